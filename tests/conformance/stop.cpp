// A stop or a deadline before the call: nothing is changed any more. In its middle: it ends.
#include <functional>
#include <thread>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

struct Attempt {
  std::string_view name;
  std::function<std::string(const Call& call)> code;
};

// Every change there is, on a machine of this migration and on one that is not there yet.
std::vector<Attempt> all_changes(Run& run, const Machine& machine) {
  Driver& driver = *run.driver;
  const Owner owner{migration(machine.name), 1};
  MachineSpec wider = run.spec("web01", {mib});
  wider.cpus = 7;
  std::vector<Attempt> attempts;
  const auto add = [&](Capability needed, std::string_view name, auto attempt) {
    if (!run.can(needed)) return;
    attempts.push_back({name, [attempt](const Call& call) { return code_of(attempt(call)); }});
  };
  add(Capability::create, "create_machine",
      [&driver, other = run.spec("db01", {mib})](const Call& call) {
        return driver.create_machine(other, call);
      });
  add(Capability::update, "update_machine", [&driver, machine, wider](const Call& call) {
    return driver.update_machine(machine.id, wider, call);
  });
  add(Capability::view, "make_view", [&driver, machine, owner](const Call& call) {
    return driver.make_view({machine.id, "stopped", owner}, call);
  });
  add(Capability::tracking, "set_tracking",
      [&driver, machine](const Call& call) { return driver.set_tracking(machine.id, true, call); });
  add(Capability::power, "set_power", [&driver, machine](const Call& call) {
    return driver.set_power(machine.id, Driver::PowerChange::on, call);
  });
  add(Capability::write, "open", [&driver, machine, owner](const Call& call) {
    return driver.open({machine.id, machine.disks[0].id, "", "", Use::write, owner}, call);
  });
  add(Capability::land, "land", [&driver, machine, owner](const Call& call) {
    return driver.land({machine.id, owner}, call);
  });
  add(Capability::view, "drop_view", [&driver, machine, owner](const Call& call) {
    return driver.drop_view({machine.id, "kept", owner}, call);
  });
  add(Capability::destroy, "destroy", [&driver, machine, owner](const Call& call) {
    return driver.destroy(machine.id, owner, call);
  });
  return attempts;
}

void changes_nothing(Run& run, const Call& call, const std::string& code) {
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  const ViewSpec kept{machine->id, "kept", {migration("web01"), 1}};
  if (run.can(Capability::view)) REQUIRE(run.driver->make_view(kept, {}));
  for (const Attempt& attempt : all_changes(run, *machine)) {
    INFO(attempt.name);
    CHECK(attempt.code(call) == code);
  }
  CHECK(run.made_by(migration("db01"), 0).empty());
  const Machine after = run.machine(machine->id);
  CHECK(after.power == Power::off);
  CHECK(after.cpus == machine->cpus);
  if (!run.can_all({Capability::view, Capability::read})) return;
  const auto open = [&](const std::string& view) {
    return run.driver->open({machine->id, machine->disks[0].id, view, "", Use::read, kept.owner},
                            {});
  };
  CHECK(code_of(open("kept")) == "ok");
  CHECK(code_of(open("stopped")) == "not_found");
}

void stop(Run& run) {
  std::stop_source source;
  source.request_stop();
  changes_nothing(run, {source.get_token()}, "cancelled");
}

// Calls that do not come to their end as long as `held` lives.
struct Endless {
  std::vector<Attempt> attempts;
  std::shared_ptr<void> held;
};

Attempt opening(Run& run, const Machine& machine) {
  return {"open",
          [&run, open = OpenSpec{machine.id, machine.disks.at(0).id, "", "", Use::read, {}}](
              const Call& call) { return code_of(run.driver->open(open, call)); }};
}

Endless endless_calls(Run& run) {
  Endless calls;
  if (run.driver->info().record) return calls;  // nothing in a file waits for anybody
  if (const auto machine = run.any_machine("web01", {mib})) {
    calls.attempts = all_changes(run, *machine);
  }
  calls.attempts.push_back(
      {"inventory", [&run](const Call& call) { return code_of(run.driver->inventory({}, call)); }});
  calls.held = run.platform->hold();
  if (calls.held) return calls;
  FLYT_TAKE(const std::string slow, run.platform->add_slow_source("slow"));
  calls.attempts = {opening(run, run.machine(slow))};
  return calls;
}

// A driver that looks at the stop or the time only before it begins would sit here for minutes.
void stop_in_the_middle(Run& run) {
  const Endless calls = endless_calls(run);
  for (const Attempt& attempt : calls.attempts) {
    INFO(attempt.name);
    std::stop_source source;
    const std::jthread stopper([&source] {
      // To be in the middle of the call; too early is no failure either.
      (void)wait(std::chrono::milliseconds(10), {}, "the call that is to be stopped");
      source.request_stop();
    });
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const std::string code = attempt.code({source.get_token(), give_up});
    // What tries again may prefer the platform's error of an earlier attempt.
    CHECK((code == "cancelled" || (code == "unavailable" && run.subject.retries)));
  }
}

void deadline_in_the_middle(Run& run) {
  const Endless calls = endless_calls(run);
  for (const Attempt& attempt : calls.attempts) {
    INFO(attempt.name);
    const std::string code = attempt.code(Call{}.within(std::chrono::milliseconds(10)));
    CHECK((code == "timed_out" || (code == "unavailable" && run.subject.retries)));
  }
}

void deadline(Run& run) {
  const Call late{{}, std::chrono::steady_clock::now() - std::chrono::seconds(1)};
  changes_nothing(run, late, "timed_out");
}

const Case cases[] = {
    {"a stop prevents any change", stop},
    {"a stop ends a call in its middle", stop_in_the_middle},
    {"a deadline ends a call in its middle", deadline_in_the_middle},
    {"a deadline that has passed prevents any change", deadline},
};

}  // namespace

std::span<const Case> stop_cases() { return cases; }

}  // namespace flyt::tests
