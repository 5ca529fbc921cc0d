#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

void removes_twice(Run& run) {
  if (!run.can_all({Capability::create, Capability::destroy})) return;
  const Machine machine = run.create(run.spec("web01", {mib, 512}));
  REQUIRE(run.made_by(machine.migration_id, 1).size() == 1);
  const Owner owner{machine.migration_id, 1};
  CHECK(code_of(run.driver->destroy(machine.id, owner, {})) == "ok");
  CHECK(run.made_by(machine.migration_id, 0).empty());
  CHECK(code_of(run.another()->destroy(machine.id, owner, {})) == "ok");
  CHECK(code_of(run.driver->inventory({machine.id, ""}, {})) == "not_found");
}

void refuses_strangers(Run& run) {
  if (!run.can(Capability::destroy)) return;
  if (run.can(Capability::create)) {
    const Machine machine = run.create(run.spec("web01", {mib}));
    CHECK(code_of(run.driver->destroy(machine.id, {migration("stranger"), 9}, {})) == "denied");
    CHECK(code_of(run.driver->destroy(machine.id, {}, {})) == "denied");
    CHECK(run.made_by(machine.migration_id, 1).size() == 1);
  }
  const auto source = run.source("db01", {noise(4096, 1)});
  if (!source) return;
  CHECK(code_of(run.driver->destroy(source->id, {migration("db01"), 1}, {})) == "denied");
  CHECK(code_of(run.driver->destroy(source->id, {}, {})) == "denied");
  CHECK(run.machine(source->id).name == "db01");
}

void starts_afresh(Run& run) {
  if (!run.can_all(
          {Capability::create, Capability::destroy, Capability::read, Capability::write})) {
    return;
  }
  MachineSpec spec = run.spec("web01", {mib});
  spec.uuid = "6e8bc430-9c3a-11d9-9669-0800200c9a66";
  const Machine first = run.create(spec);
  {
    FLYT_TAKE(const auto writer,
              run.driver->open({first.id, first.disks[0].id, "", "", Use::write, spec.owner}, {}));
    REQUIRE(code_of(write_disk(*writer, 0, noise(mib, 1))) == "ok");
    REQUIRE(code_of(writer->close({})) == "ok");
  }
  REQUIRE(code_of(run.driver->destroy(first.id, spec.owner, {})) == "ok");
  REQUIRE(run.made_by(spec.owner.id, 0).empty());
  const Machine second = run.create(spec);
  FLYT_TAKE(const auto writer,
            run.driver->open({second.id, second.disks[0].id, "", "", Use::write, spec.owner}, {}));
  if (writer->info().reads_zero) {
    CHECK((read_disk(*writer).value_or("") == std::string(second.disks[0].size_bytes, '\0')));
  }
  CHECK(code_of(writer->close({})) == "ok");
}

void removes_what_runs(Run& run) {
  if (!run.can_all({Capability::create, Capability::destroy, Capability::power})) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  REQUIRE(code_of(run.driver->set_power(machine.id, Driver::PowerChange::on, {})) == "ok");
  CHECK(code_of(run.driver->destroy(machine.id, {machine.migration_id, 1}, {})) == "ok");
  CHECK(run.made_by(machine.migration_id, 0).empty());
}

const Case cases[] = {
    {"removes a machine, and again", removes_twice},
    {"removes nothing that this migration did not make", refuses_strangers},
    {"what is made after a removal holds nothing of it", starts_afresh},
    {"removes a machine that runs", removes_what_runs},
};

}  // namespace

std::span<const Case> destroy_cases() { return cases; }

}  // namespace flyt::tests
