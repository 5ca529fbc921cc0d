// A stop or a deadline before the call: nothing is changed any more.
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

struct Answer {
  std::string_view call;
  std::string code;
};

// Every change there is, on a machine of this migration and on one that is not there yet.
std::vector<Answer> try_all(Run& run, const Machine& machine, const Call& call) {
  Driver& driver = *run.driver;
  const Owner owner{machine.migration_id, 1};
  MachineSpec wider = run.spec("web01", {mib});
  wider.cpus = 7;
  std::vector<Answer> answers = {
      {"create_machine", code_of(driver.create_machine(run.spec("db01", {mib}), call))}};
  const auto add = [&](Capability needed, std::string_view name, auto attempt) {
    if (run.can(needed)) answers.push_back({name, code_of(attempt())});
  };
  add(Capability::update, "update_machine",
      [&] { return driver.update_machine(machine.id, wider, call); });
  add(Capability::view, "make_view", [&] {
    return driver.make_view({machine.id, "stopped", owner}, call);
  });
  add(Capability::tracking, "set_tracking",
      [&] { return driver.set_tracking(machine.id, true, call); });
  add(Capability::power, "set_power",
      [&] { return driver.set_power(machine.id, Driver::PowerChange::on, call); });
  add(Capability::write, "open", [&] {
    return driver.open({machine.id, machine.disks[0].id, "", "", Use::write, owner}, call);
  });
  add(Capability::view, "drop_view", [&] {
    return driver.drop_view({machine.id, "kept", owner}, call);
  });
  add(Capability::destroy, "destroy", [&] { return driver.destroy(machine.id, owner, call); });
  return answers;
}

void changes_nothing(Run& run, const Call& call, const std::string& code) {
  if (!run.can(Capability::create)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  REQUIRE(run.made_by(machine.migration_id, 1).size() == 1);
  const ViewSpec kept{machine.id, "kept", {machine.migration_id, 1}};
  if (run.can(Capability::view)) REQUIRE(run.driver->make_view(kept, {}));
  for (const Answer& answer : try_all(run, machine, call)) {
    INFO(answer.call);
    CHECK(answer.code == code);
  }
  CHECK(run.made_by(migration("db01"), 0).empty());
  const Machine after = run.machine(machine.id);
  CHECK(after.power == Power::off);
  CHECK(after.cpus == machine.cpus);
  if (!run.can_all({Capability::view, Capability::read})) return;
  const auto open = [&](const std::string& view) {
    return run.driver->open({machine.id, machine.disks[0].id, view, "", Use::read, kept.owner}, {});
  };
  CHECK(code_of(open("kept")) == "ok");
  CHECK(code_of(open("stopped")) == "not_found");
}

void stop(Run& run) {
  std::stop_source source;
  source.request_stop();
  changes_nothing(run, {source.get_token()}, "cancelled");
}

void deadline(Run& run) {
  const Call late{{}, std::chrono::steady_clock::now() - std::chrono::seconds(1)};
  changes_nothing(run, late, "timed_out");
}

const Case cases[] = {
    {"a stop prevents any change", stop},
    {"a deadline that has passed prevents any change", deadline},
};

}  // namespace

std::span<const Case> stop_cases() { return cases; }

}  // namespace flyt::tests
