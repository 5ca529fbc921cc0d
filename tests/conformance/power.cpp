#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

using Change = Driver::PowerChange;

void switches(Run& run) {
  if (!run.can(Capability::power)) return;
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  for (const Change change : {Change::on, Change::on, Change::forced_off, Change::forced_off}) {
    CHECK(code_of(run.driver->set_power(machine->id, change, {})) == "ok");
    const Power wanted = change == Change::on ? Power::on : Power::off;
    CHECK(run.machine(machine->id).power == wanted);
    if (!run.can(Capability::observe)) continue;
    FLYT_TAKE(const Observation seen, run.driver->observe(machine->id, {}));
    CHECK(seen.power == wanted);
    if (wanted == Power::off) CHECK_FALSE(seen.agent.value_or(false));
  }
}

void off_is_graceful_or_says_so(Run& run) {
  if (!run.can(Capability::power)) return;
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  REQUIRE(code_of(run.driver->set_power(machine->id, Change::on, {})) == "ok");
  const Call soon = Call{}.within(std::chrono::seconds(2));
  const std::string answer = code_of(run.driver->set_power(machine->id, Change::off, soon));
  const Power power = run.machine(machine->id).power;
  // An empty machine may not follow; then it must still be on.
  CHECK(((answer == "ok" && power == Power::off) || (answer == "timed_out" && power == Power::on)));
  CHECK(code_of(run.driver->set_power(machine->id, Change::forced_off, {})) == "ok");
}

void disks_of_a_running_machine(Run& run) {
  if (!run.can_all({Capability::power, Capability::read})) return;
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  REQUIRE(code_of(run.driver->set_power(machine->id, Change::on, {})) == "ok");
  for (const Use use : {Use::read, Use::write}) {
    if (use == Use::write && !run.can(Capability::write)) continue;
    const OpenSpec spec{machine->id, machine->disks[0].id, "", "", use, {machine->migration_id, 1}};
    CHECK(code_of(run.driver->open(spec, {})) == "denied");
  }
  CHECK(code_of(run.driver->set_power(machine->id, Change::forced_off, {})) == "ok");
}

const Case cases[] = {
    {"switches on and off, twice over, and sees it", switches},
    {"off is graceful: done, or timed_out and still on", off_is_graceful_or_says_so},
    {"keeps its hands off the disks of a running machine", disks_of_a_running_machine},
};

}  // namespace

std::span<const Case> power_cases() { return cases; }

}  // namespace flyt::tests
