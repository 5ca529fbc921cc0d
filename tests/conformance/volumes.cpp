// Volumes without a machine, and templates: made, filled, handed over.
#include <algorithm>

#include "base/bare_volume.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

// No whole number of sectors: such files exist.
constexpr std::uint64_t odd_size = mib + 1003;

bool can_make(const Run& run) {
  return run.can_all({Capability::volumes, Capability::create, Capability::write});
}

// As platforms want such files to be called.
std::string name_of(const std::string& kind) {
  if (kind == "backup") return "vzdump-qemu-100-2026_11_28-01_02_03.vma.zst";
  return kind == "template" ? "debian-12-standard_12.7-1_amd64.tar.zst" : "tools.iso";
}

// Nothing: no storage of the platform keeps such volumes.
std::optional<MachineSpec> volume_spec(const Run& run, const std::string& name,
                                       const std::string& kind, std::uint64_t size) {
  FLYT_TAKE(const Inventory ground, run.driver->inventory({}, {}));
  const auto found = std::find_if(ground.storages.begin(), ground.storages.end(),
                                  [&](const Storage& one) { return one.takes(kind); });
  if (found == ground.storages.end()) return {};
  MachineSpec spec;
  spec.owner = {migration(name + kind), 1};
  spec.name = name;
  spec.bare = kind;
  spec.cpus = 0;
  spec.disks.push_back({.size_bytes = size, .storage = found->name});
  return spec;
}

std::vector<Volume> called(const Run& run, const std::string& name) {
  FLYT_TAKE(Inventory all, run.driver->inventory({}, {}));
  std::erase_if(all.volumes, [&](const Volume& one) { return one.name != name; });
  return all.volumes;
}

void fill(Run& run, const Machine& volume, std::string_view content) {
  FLYT_TAKE(
      const auto writer,
      run.driver->open(
          {volume.id, volume.disks.at(0).id, "", "", Use::write, {volume.migration_id, 1}}, {}));
  REQUIRE(writer->info().size_bytes >= content.size());
  REQUIRE(code_of(write_disk(*writer, 0, content)) == "ok");
  REQUIRE(code_of(writer->close({})) == "ok");
}

std::string content_of(Run& run, const Machine& volume) {
  FLYT_TAKE(const auto reader, run.driver->open({volume.id, volume.disks.at(0).id}, {}));
  FLYT_TAKE(std::string content, read_disk(*reader, 0, reader->info().size_bytes));
  CHECK(code_of(reader->close({})) == "ok");
  return content;
}

// Made, filled with what `seed` gives, and published.
Machine made_whole(Run& run, const MachineSpec& spec, unsigned seed) {
  const Machine volume = run.create(spec);
  CHECK(volume.bare == spec.bare);
  CHECK(volume.migration_id == spec.owner.id);
  REQUIRE(volume.disks.size() == 1);
  CHECK(volume.disks[0].size_bytes >= spec.disks[0].size_bytes);
  CHECK(called(run, spec.name).empty());
  fill(run, volume, noise(spec.disks[0].size_bytes, seed));
  FLYT_TAKE(Machine published, run.driver->publish(volume.id, spec, {}));
  return published;
}

void makes_a_file(Run& run) {
  if (!can_make(run)) return;
  for (const std::string kind : {"iso", "backup", "template"}) {
    const auto spec = volume_spec(run, name_of(kind), kind, odd_size);
    if (!spec) continue;
    FLYT_TAKE(const Inventory before, run.driver->inventory({}, {}));
    const Machine volume = made_whole(run, *spec, 5);
    CHECK(volume.name == spec->name);
    CHECK(volume.disks.at(0).size_bytes == odd_size);
    CHECK((content_of(run, volume) == noise(odd_size, 5)));
    FLYT_TAKE(const Inventory after, run.driver->inventory({}, {}));
    CHECK(after.machines.size() == before.machines.size());
    const auto shown = called(run, spec->name);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].kind == kind);
    CHECK(shown[0].size_bytes == odd_size);
  }
}

void makes_a_disk(Run& run) {
  if (!can_make(run)) return;
  const auto spec = volume_spec(run, "data", "disk", 2 * mib);
  if (!spec) return;
  const Machine volume = made_whole(run, *spec, 6);
  CHECK((content_of(run, volume).substr(0, 2 * mib) == noise(2 * mib, 6)));
  FLYT_TAKE(const Inventory all, run.driver->inventory({}, {}));
  CHECK(std::any_of(all.volumes.begin(), all.volumes.end(),
                    [&](const Volume& one) { return bare_id(one.id) == volume.id; }));
}

void finds_it_again(Run& run) {
  if (!can_make(run)) return;
  const auto spec = volume_spec(run, "tools.iso", "iso", odd_size);
  if (!spec) return;
  const Machine made = run.create(*spec);
  run.driver = run.another();
  FLYT_TAKE(const Machine again, run.driver->create_machine(*spec, {}));
  CHECK(again.id == made.id);
  REQUIRE(run.made_by(spec->owner.id, 1).size() == 1);
  fill(run, made, noise(odd_size, 7));
  FLYT_TAKE(const Machine first, run.driver->publish(made.id, *spec, {}));
  run.driver = run.another();
  const auto found = run.made_by(spec->owner.id, 1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == first.id);
  CHECK(found[0].bare == "iso");
  // As after a crash, which knows only the id that it had before.
  FLYT_TAKE(const Machine second, run.driver->publish(made.id, *spec, {}));
  CHECK(second.id == first.id);
  FLYT_TAKE(const Machine third, run.driver->create_machine(*spec, {}));
  CHECK(third.id == first.id);
  CHECK((content_of(run, first) == noise(odd_size, 7)));
}

void replaces_nothing(Run& run) {
  if (!can_make(run)) return;
  const auto spec = volume_spec(run, "tools.iso", "iso", odd_size);
  if (!spec) return;
  const Machine first = made_whole(run, *spec, 8);
  MachineSpec other = *spec;
  other.owner.id = migration("another");
  auto refused = run.driver->create_machine(other, {});
  if (refused) refused = run.driver->publish(refused->id, other, {});
  CHECK(code_of(refused) == "exists");
  CHECK((content_of(run, first) == noise(odd_size, 8)));
  CHECK(called(run, spec->name).size() == 1);
}

void removes_its_own(Run& run) {
  if (!can_make(run) || !run.can(Capability::destroy)) return;
  for (const bool whole : {false, true}) {
    const auto spec = volume_spec(run, "tools.iso", "iso", odd_size);
    if (!spec) return;
    const Machine volume = whole ? made_whole(run, *spec, 9) : run.create(*spec);
    CHECK(code_of(run.driver->destroy(volume.id, {migration("another"), 1}, {})) == "denied");
    REQUIRE(run.made_by(spec->owner.id, 1).size() == 1);
    REQUIRE(code_of(run.driver->destroy(volume.id, spec->owner, {})) == "ok");
    CHECK(run.made_by(spec->owner.id, 0).empty());
    CHECK(called(run, spec->name).empty());
    CHECK(code_of(run.driver->destroy(volume.id, spec->owner, {})) == "ok");
  }
}

// What takes its place is somebody else's.
void reads_those_of_others(Run& run) {
  for (const std::string kind : {"disk", "iso"}) {
    const std::string content = noise(kind == "iso" ? odd_size : mib, 10);
    const auto id = run.platform->add_volume("others." + kind, kind, content);
    if (!id && id.error().code == Errc::unsupported) return;
    if (!id) FAIL("no volume: " << told(id.error()));
    run.driver = run.another();
    FLYT_TAKE(const Inventory all, run.driver->inventory({}, {}));
    const auto shown = std::find_if(all.volumes.begin(), all.volumes.end(),
                                    [&](const Volume& one) { return one.id == *id; });
    REQUIRE(shown != all.volumes.end());
    CHECK(shown->kind == kind);
    CHECK(shown->size_bytes == content.size());
    const Machine volume = run.machine(bare_id(*id));
    CHECK(volume.bare == kind);
    REQUIRE(volume.disks.size() == 1);
    CHECK(volume.disks[0].size_bytes == content.size());
    if (run.subject.foreign_disks) CHECK_FALSE(volume.disks[0].stamp.empty());
    const OpenSpec write{volume.id, volume.disks[0].id, "", "", Use::write, {migration("w"), 1}};
    CHECK_FALSE(run.driver->open(write, {}));
    if (!run.subject.foreign_disks) {
      CHECK_FALSE(volume.disks[0].left_out.empty());
      CHECK(code_of(run.driver->open({volume.id, volume.disks[0].id}, {})) == "unsupported");
    } else if (run.can(Capability::read)) {
      CHECK((content_of(run, volume) == content));
    }
    if (!run.can(Capability::destroy)) continue;
    CHECK(code_of(run.driver->destroy(volume.id, {migration("w"), 1}, {})) == "denied");
  }
}

void makes_a_template(Run& run) {
  if (!run.can_all({Capability::templates, Capability::create, Capability::write})) return;
  MachineSpec spec = run.spec("golden", {mib});
  spec.is_template = true;
  const Machine made = run.create(spec);
  CHECK_FALSE(made.is_template);
  fill(run, made, noise(mib, 11));
  FLYT_TAKE(const Machine first, run.driver->publish(made.id, spec, {}));
  CHECK(first.is_template);
  CHECK(first.id == made.id);
  run.driver = run.another();
  FLYT_TAKE(const Machine again, run.driver->publish(made.id, spec, {}));
  CHECK(again.is_template);
  const auto found = run.made_by(spec.owner.id, 1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].is_template);
  if (run.can(Capability::read))
    CHECK((content_of(run, found[0]).substr(0, mib) == noise(mib, 11)));
  if (run.can(Capability::destroy))
    CHECK(code_of(run.driver->destroy(made.id, spec.owner, {})) == "ok");
}

constexpr Case cases[] = {
    {"volumes: a file is kept byte by byte", makes_a_file},
    {"volumes: a disk without a machine", makes_a_disk},
    {"volumes: another process finds it again", finds_it_again},
    {"volumes: nothing that is there is replaced", replaces_nothing},
    {"volumes: only its own are removed", removes_its_own},
    {"volumes: those of others are read, and only read", reads_those_of_others},
    {"volumes: a template", makes_a_template},
};

}  // namespace

std::span<const Case> volume_cases() { return cases; }

}  // namespace flyt::tests
