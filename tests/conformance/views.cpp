#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

ViewSpec view_of(const Machine& machine, std::string name = "flyt-1") {
  return {machine.id, std::move(name), {migration("view"), 1}};
}

std::string content_of(Driver& driver, const OpenSpec& spec) {
  FLYT_TAKE(const auto channel, driver.open(spec, {}));
  FLYT_TAKE(std::string content, read_disk(*channel));
  REQUIRE(code_of(channel->close({})) == "ok");
  return content;
}

void makes_once_drops_twice(Run& run) {
  if (!run.can(Capability::view)) return;
  const auto machine = run.any_machine("web01", {mib, 4096});
  if (!machine) return;
  const ViewSpec spec = view_of(*machine);
  FLYT_TAKE(const View first, run.driver->make_view(spec, {}));
  CHECK(first.machine == machine->id);
  CHECK(first.name == spec.name);
  REQUIRE(first.disks.size() == machine->disks.size());
  for (std::size_t i = 0; i < first.disks.size(); ++i) {
    CHECK(first.disks[i].disk == machine->disks[i].id);
    CHECK(first.disks[i].left_out.empty());
  }
  FLYT_TAKE(const View second, run.another()->make_view(spec, {}));
  CHECK(second.disks.size() == first.disks.size());
  CHECK(second.disks[0].change_id == first.disks[0].change_id);
  CHECK(code_of(run.driver->drop_view(spec, {})) == "ok");
  CHECK(code_of(run.another()->drop_view(spec, {})) == "ok");
}

void drops_only_its_own(Run& run) {
  if (!run.can_all({Capability::view, Capability::create})) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const ViewSpec spec = view_of(machine);
  REQUIRE(run.driver->make_view(spec, {}));
  ViewSpec stranger = spec;
  stranger.owner = {migration("stranger"), 9};
  CHECK(code_of(run.driver->make_view(stranger, {})) == "exists");
  CHECK(code_of(run.driver->drop_view(stranger, {})) == "denied");
  const OpenSpec look{machine.id, machine.disks[0].id, spec.name, "", Use::read, spec.owner};
  if (run.can(Capability::read)) CHECK(content_of(*run.driver, look) == std::string(mib, '\0'));
  CHECK(code_of(run.driver->drop_view(spec, {})) == "ok");
}

void a_dropped_view_is_gone(Run& run) {
  if (!run.can_all({Capability::view, Capability::read})) return;
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  const ViewSpec spec = view_of(*machine);
  REQUIRE(run.driver->make_view(spec, {}));
  REQUIRE(code_of(run.driver->drop_view(spec, {})) == "ok");
  const OpenSpec look{machine->id, machine->disks[0].id, spec.name, "", Use::read, spec.owner};
  CHECK(code_of(run.driver->open(look, {})) == "not_found");
}

void a_view_stands_still(Run& run) {
  if (!run.can_all({Capability::view, Capability::read})) return;
  const auto machine = run.any_machine("web01", {2 * mib});
  const std::string before = noise(mib, 5);
  if (!machine || !run.write(*machine, 0, before)) return;
  const ViewSpec view = view_of(*machine);
  REQUIRE(run.driver->make_view(view, {}));
  REQUIRE(run.write(*machine, 4096, noise(mib, 6)));
  const OpenSpec look{machine->id, machine->disks[0].id, view.name, "", Use::read, view.owner};
  CHECK((content_of(*run.driver, look) == before + std::string(mib, '\0')));
  REQUIRE(code_of(run.driver->drop_view(view, {})) == "ok");
}

std::vector<Extent> all_changes(Channel& channel) {
  std::vector<Extent> all;
  for (std::uint64_t from = 0;;) {
    FLYT_TAKE(const std::vector<Extent> page, channel.changed(from, {}));
    if (page.empty()) return all;
    all.insert(all.end(), page.begin(), page.end());
    from = page.back().offset + page.back().length;
  }
}

// What was written is covered, what is far from it is not.
void check_changes(const std::vector<Extent>& changes, std::uint64_t first, std::uint64_t end,
                   std::uint64_t size) {
  REQUIRE_FALSE(changes.empty());
  std::uint64_t covered = first, last = 0;
  for (const Extent& one : changes) {
    CHECK(one.length > 0);
    CHECK(one.offset >= last);
    last = one.offset + one.length;
    if (one.offset <= covered) covered = std::max(covered, last);
    CHECK(last + mib > first);
    CHECK(one.offset < end + mib);
  }
  CHECK(covered >= end);
  CHECK(last <= size);
}

// Nobody may take it for "nothing changed", and who then wants to read all must be able to.
std::string code_of_unknown(Driver& driver, const OpenSpec& look) {
  const auto opened = driver.open(look, {});
  return opened ? code_of((*opened)->changed(0, {})) : "not opened: " + code_of(opened);
}

void tracks_changes(Run& run) {
  if (!run.can_all({Capability::tracking, Capability::view, Capability::read})) return;
  const auto machine = run.any_machine("web01", {8 * mib + 512});
  if (!machine) return;
  REQUIRE(code_of(run.driver->set_tracking(machine->id, true, {})) == "ok");
  REQUIRE(code_of(run.driver->set_tracking(machine->id, true, {})) == "ok");
  FLYT_TAKE(const View first, run.driver->make_view(view_of(*machine, "one"), {}));
  REQUIRE_FALSE(first.disks[0].change_id.empty());
  REQUIRE(code_of(run.driver->drop_view(view_of(*machine, "one"), {})) == "ok");
  if (!run.write(*machine, 4 * mib + 7, noise(1000, 7))) return;
  FLYT_TAKE(const View second, run.driver->make_view(view_of(*machine, "two"), {}));
  CHECK(second.disks[0].change_id != first.disks[0].change_id);
  OpenSpec look{machine->id, machine->disks[0].id,  "two", first.disks[0].change_id,
                Use::read,   {migration("view"), 1}};
  FLYT_TAKE(const auto channel, run.driver->open(look, {}));
  check_changes(all_changes(*channel), 4 * mib + 7, 4 * mib + 1007, channel->info().size_bytes);
  look.since = second.disks[0].change_id;
  FLYT_TAKE(const auto unchanged, run.driver->open(look, {}));
  CHECK(all_changes(*unchanged).empty());
  look.since = "no such change";
  CHECK(code_of_unknown(*run.driver, look) == "unsupported");
  REQUIRE(code_of(run.driver->set_tracking(machine->id, false, {})) == "ok");
}

const Case cases[] = {
    {"makes a view once, and drops it twice", makes_once_drops_twice},
    {"drops only views of this migration", drops_only_its_own},
    {"a view that was dropped is not found", a_dropped_view_is_gone},
    {"a view stands still while its disk is written", a_view_stands_still},
    {"lists what changed between two views, and nothing else", tracks_changes},
};

}  // namespace

std::span<const Case> view_cases() { return cases; }

}  // namespace flyt::tests
