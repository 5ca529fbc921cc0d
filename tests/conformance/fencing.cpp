// Two flyt processes at one disk: only the newer one writes.
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

OpenSpec opens(const Machine& machine, Use use, std::uint64_t epoch) {
  return {machine.id, machine.disks[0].id, "", "", use, {machine.migration_id, epoch}};
}

std::optional<Machine> target(Run& run) {
  if (!run.can_all({Capability::create, Capability::read, Capability::write})) return {};
  return run.create(run.spec("web01", {mib}));
}

void newer_ends_older(Run& run) {
  const auto machine = target(run);
  if (!machine) return;
  FLYT_TAKE(const auto older, run.driver->open(opens(*machine, Use::write, 3), {}));
  const auto other = run.another();
  FLYT_TAKE(const auto newer, other->open(opens(*machine, Use::write, 4), {}));
  CHECK_FALSE(write_disk(*older, 0, "from the past"));
  CHECK_FALSE(older->close({}));
  CHECK(code_of(write_disk(*newer, 0, "now")) == "ok");
  CHECK(read_disk(*newer, 0, 4).value_or("") == std::string("now\0", 4));
  CHECK(code_of(newer->close({})) == "ok");
}

void older_is_refused(Run& run) {
  const auto machine = target(run);
  if (!machine) return;
  FLYT_TAKE(const auto newer, run.driver->open(opens(*machine, Use::write, 4), {}));
  CHECK(code_of(run.another()->open(opens(*machine, Use::write, 3), {})) == "denied");
  CHECK(code_of(run.another()->open(opens(*machine, Use::read, 3), {})) == "denied");
  CHECK(code_of(write_disk(*newer, 0, "now")) == "ok");
  CHECK(code_of(newer->close({})) == "ok");
}

void one_writer(Run& run) {
  const auto machine = target(run);
  if (!machine) return;
  FLYT_TAKE(const auto writer, run.driver->open(opens(*machine, Use::write, 3), {}));
  CHECK(code_of(run.another()->open(opens(*machine, Use::write, 3), {})) == "unavailable");
  CHECK(code_of(writer->close({})) == "ok");
  FLYT_TAKE(const auto next, run.another()->open(opens(*machine, Use::write, 3), {}));
  CHECK(code_of(next->close({})) == "ok");
}

void reader_beside_writer(Run& run) {
  const auto machine = target(run);
  if (!machine) return;
  FLYT_TAKE(const auto writer, run.driver->open(opens(*machine, Use::write, 3), {}));
  REQUIRE(code_of(write_disk(*writer, 4096, "words")) == "ok");
  FLYT_TAKE(const auto reader, run.another()->open(opens(*machine, Use::read, 3), {}));
  CHECK(read_disk(*reader, 4096, 5).value_or("") == "words");
  REQUIRE(code_of(write_disk(*writer, 8192, "more")) == "ok");
  CHECK(code_of(reader->close({})) == "ok");
  CHECK(code_of(writer->close({})) == "ok");
}

void removal_ends_older(Run& run) {
  const auto machine = target(run);
  if (!machine || !run.can(Capability::destroy)) return;
  FLYT_TAKE(const auto older, run.driver->open(opens(*machine, Use::write, 3), {}));
  CHECK(code_of(run.another()->destroy(machine->id, {machine->migration_id, 2}, {})) == "denied");
  CHECK(code_of(run.another()->destroy(machine->id, {machine->migration_id, 4}, {})) == "ok");
  CHECK_FALSE(older->close({}));
}

const Case cases[] = {
    {"a newer epoch ends the writer of an older one", newer_ends_older},
    {"an older epoch is refused", older_is_refused},
    {"one epoch has one writer", one_writer},
    {"a reader of the same epoch stays beside the writer", reader_beside_writer},
    {"removing a machine ends what an older epoch left", removal_ends_older},
};

}  // namespace

std::span<const Case> fencing_cases() { return cases; }

}  // namespace flyt::tests
