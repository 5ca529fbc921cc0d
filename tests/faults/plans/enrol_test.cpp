// What is done with machines once they have landed: when, how often, and what is left of it.
#include <algorithm>
#include <atomic>

#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

void ask(Scene& scene) {
  for (PlannedMachine& planned : scene.plan.machines) {
    planned.after.start_at_boot = true;
    planned.after.backup_jobs = {"nightly"};
  }
  scene.write_plan();
}

void offer(const Scene& scene, std::vector<std::string> jobs) {
  auto world = scene.to.lock({});
  REQUIRE(world);
  world->world.choices.backup_jobs = std::move(jobs);
  REQUIRE(world->save());
}

Enrolment enrolled(const Scene& scene, const std::string& machine) {
  auto world = scene.to.lock({});
  REQUIRE(world);
  return world->world.inside[machine].enrolled;
}

void check_enrolled(const Scene& scene) {
  const auto made = scene.made();
  REQUIRE(made.size() == scene.plan.machines.size());
  for (const Machine& machine : made) {
    CHECK(enrolled(scene, machine.id) == scene.plan.machines[0].after);
  }
}

const StepRecord* step_of(const std::vector<StepRecord>& steps, std::string_view key) {
  const auto found = std::find_if(steps.begin(), steps.end(),
                                  [&](const StepRecord& one) { return one.step == key; });
  return found == steps.end() ? nullptr : &*found;
}

bool says(const std::vector<std::string>& lines, std::string_view text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a machine is enrolled once it lives, and the report says in what", "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  ask(scene);
  offer(scene, {"nightly", "weekly"});
  Worker worker(scene);
  std::atomic<int> started{0}, too_early{0};
  const auto target = with_faults(Scene::open(scene.to), [&](std::string_view method) {
    if (method == "set_power") ++started;
    if (method == "enrol" && started == 0) ++too_early;
    return Fault{};
  });
  worker.crew.target = target.get();
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::landed));
  CHECK(too_early == 0);
  for (const MachineOutcome& one : outcomes) {
    CHECK(says(one.record, "after landing: starts with its host"));
    CHECK(says(one.record, "after landing: backup job nightly"));
  }
  check_enrolled(scene);
  scene.check_landed();
  worker.crew.target = worker.target.get();
  worker.undo_all(scene);
}

TEST_CASE("kill -9 at every write of the journal is survived where machines are enrolled",
          "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(1);
  ask(scene);
  offer(scene, {"nightly"});
  kill_at_third_doors(scene, 25, [&] { check_enrolled(scene); });
}

TEST_CASE("what a machine cannot be enrolled in leaves it landed, and its source off",
          "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  ask(scene);
  offer(scene, {"weekly"});
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::failed));
  for (const MachineOutcome& one : outcomes) {
    REQUIRE(one.error);
    CHECK(one.error->code == Errc::not_found);
    CHECK(one.error->what == "after landing: there is no backup job nightly");
    CHECK(one.error->state.find("has landed and was started on") != std::string::npos);
    CHECK(says(one.error->remedy, "apply the plan again"));
  }
  scene.check_landed();  // no source runs
  scene.check_source_clean();
  for (const Machine& machine : scene.made()) CHECK(enrolled(scene, machine.id).empty());

  offer(scene, {"weekly", "nightly"});
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  check_enrolled(scene);
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("what was switched off since, or runs at its source again, is enrolled in nothing",
          "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(1);
  ask(scene);
  offer(scene, {"weekly"});
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::failed));
  offer(scene, {"weekly", "nightly"});
  const std::string copy = scene.made().front().id;
  const bool source_runs = GENERATE(true, false);
  if (source_runs) scene.set_source_power(Power::on);
  if (!source_runs) {
    REQUIRE(worker.target->set_power(copy, Driver::PowerChange::forced_off, {}));
  }
  const auto outcomes = worker.apply(scene);
  REQUIRE(outcomes.front().error);
  CHECK(outcomes.front().error->state.find("enrolled in nothing") != std::string::npos);
  CHECK(enrolled(scene, copy).empty());
  scene.set_source_power(Power::off);
  REQUIRE(worker.target->set_power(copy, Driver::PowerChange::on, {}));
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  check_enrolled(scene);
}

TEST_CASE("what a later plan asks for beside is done, too", "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(1);
  ask(scene);
  offer(scene, {"nightly", "weekly"});
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.plan.machines[0].after.backup_jobs = {"nightly", "weekly"};
  scene.write_plan();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  check_enrolled(scene);
}

TEST_CASE("what does not live is enrolled in nothing", "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  for (PlannedMachine& planned : scene.plan.machines) {
    planned.probes = {{Probe::Kind::tcp, "127.0.0.1:1"}};
    planned.boot_timeout = std::chrono::seconds(1);
  }
  ask(scene);
  offer(scene, {"nightly"});
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::failed));
  for (const Machine& machine : scene.made()) CHECK(enrolled(scene, machine.id).empty());
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto steps = worker.journal->steps(planned.migration_id);
    REQUIRE(steps);
    REQUIRE(step_of(*steps, "enrol") != nullptr);
    CHECK(step_of(*steps, "enrol")->state == StepState::failed);
  }
}

TEST_CASE("a driver that says more than it has done is not believed", "[faults][enrol]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  class Forgets final : public Driver {
   public:
    explicit Forgets(Driver& driver) : driver_(driver) {}
    DriverInfo info() const override { return driver_.info(); }
    Result<Inventory> inventory(const Scope& scope, const Call& call) override {
      return driver_.inventory(scope, call);
    }
    Result<Observation> observe(const std::string& machine, const Call& call) override {
      return driver_.observe(machine, call);
    }
    Result<ConsoleText> console(const std::string& machine, const std::string& after,
                                const Call& call) override {
      return driver_.console(machine, after, call);
    }
    Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
      return driver_.open(spec, call);
    }
    Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
      return driver_.create_machine(spec, call);
    }
    Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                   const Call& call) override {
      return driver_.update_machine(id, spec, call);
    }
    Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
      return driver_.set_power(machine, change, call);
    }
    Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                            const Call& call) override {
      FLYT_ASSIGN(Enrolment seen, driver_.enrol(machine, wanted, owner, call));
      seen.backup_jobs.clear();
      return seen;
    }

   private:
    Driver& driver_;
  };
  Scene scene;
  scene.only(1);
  ask(scene);
  Worker worker(scene);
  Forgets forgets(*worker.target);
  worker.crew.target = &forgets;
  const auto outcomes = worker.apply(scene);
  REQUIRE(outcomes.size() == 1);
  REQUIRE(outcomes[0].error);
  CHECK(outcomes[0].error->code == Errc::internal);
  CHECK(outcomes[0].error->seen == "not so: backup job nightly");
}

}  // namespace flyt::tests
