// Where a target does more with a machine than running it: that it does, once, and undoes it.
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

bool can_enrol(const Run& run) {
  return run.can_all({Capability::create, Capability::enrol, Capability::destroy});
}

void enrols_again_and_again(Run& run) {
  if (!can_enrol(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const Owner owner{machine.migration_id, 1};
  const Enrolment wanted = run.platform->offers();
  REQUIRE_FALSE(wanted.empty());
  FLYT_TAKE(const Enrolment first, run.driver->enrol(machine.id, wanted, owner, {}));
  CHECK(lacking(wanted, first) == Enrolment());
  FLYT_TAKE(const Enrolment again, run.another()->enrol(machine.id, wanted, owner, {}));
  CHECK(again == first);
  CHECK(run.platform->enrolled(machine.id) == wanted);
  CHECK(run.machine(machine.id).name == machine.name);
}

void enrols_one_thing_after_the_other(Run& run) {
  if (!can_enrol(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const Owner owner{machine.migration_id, 1};
  const Enrolment all = run.platform->offers();
  Enrolment start, rest = all;
  std::swap(start.start_at_boot, rest.start_at_boot);
  FLYT_TAKE(const Enrolment first, run.driver->enrol(machine.id, start, owner, {}));
  CHECK(lacking(start, first) == Enrolment());
  FLYT_TAKE(const Enrolment second, run.driver->enrol(machine.id, rest, owner, {}));
  CHECK(lacking(rest, second) == Enrolment());
  CHECK(run.platform->enrolled(machine.id) == all);
}

void refuses_what_is_not_there(Run& run) {
  if (!can_enrol(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const Owner owner{machine.migration_id, 1};
  Enrolment wanted = run.platform->offers();
  wanted.backup_jobs.emplace_back("no-such-job");
  const auto refused = run.driver->enrol(machine.id, wanted, owner, {});
  CHECK(code_of(refused) == "not_found");
  if (!refused) CHECK(refused.error().what.find("no-such-job") != std::string::npos);
  CHECK(run.platform->enrolled(machine.id) == Enrolment());
}

void refuses_strangers(Run& run) {
  if (!can_enrol(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const Enrolment wanted = run.platform->offers();
  CHECK(code_of(run.driver->enrol(machine.id, wanted, {migration("stranger"), 9}, {})) == "denied");
  CHECK(code_of(run.driver->enrol(machine.id, wanted, {}, {})) == "denied");
  CHECK(run.platform->enrolled(machine.id) == Enrolment());
}

void leaves_nothing(Run& run) {
  if (!can_enrol(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const Owner owner{machine.migration_id, 1};
  const Enrolment wanted = run.platform->offers();
  FLYT_TAKE(const Enrolment seen, run.driver->enrol(machine.id, wanted, owner, {}));
  CHECK(lacking(wanted, seen) == Enrolment());
  CHECK(code_of(run.driver->destroy(machine.id, owner, {})) == "ok");
  CHECK(run.platform->enrolled(machine.id) == Enrolment());
}

void tells_what_there_is(Run& run) {
  if (!run.can(Capability::enrol)) return;
  const Enrolment wanted = run.platform->offers();
  FLYT_TAKE(const Inventory unasked, run.driver->inventory({}, {}));
  CHECK_FALSE(unasked.choices.backup_jobs);
  FLYT_TAKE(const Inventory asked, run.driver->inventory({.enrolments = {wanted}}, {}));
  CHECK(asked.choices.backup_jobs == wanted.backup_jobs);
  CHECK(asked.choices.firewall == wanted.firewall);
}

const Case cases[] = {
    {"enrols a machine, and again", enrols_again_and_again},
    {"enrols in one thing after the other", enrols_one_thing_after_the_other},
    {"enrols in nothing where one thing is not there", refuses_what_is_not_there},
    {"enrols nothing that this migration did not make", refuses_strangers},
    {"what is removed is enrolled nowhere", leaves_nothing},
    {"tells what machines can be enrolled in", tells_what_there_is},
};

}  // namespace

std::span<const Case> enrol_cases() { return cases; }

}  // namespace flyt::tests
