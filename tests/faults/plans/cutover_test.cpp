// Sources that run while they are copied: they are shut down, and what they wrote comes along.
#include <algorithm>
#include <atomic>

#include "drivers/decorators/fault.hpp"
#include "plans/source.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

const ApplyOptions until_copied{.until = Until::copied};

void set_deaf(const Scene& scene, bool deaf) {
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  for (auto& inside : locked->world.inside) inside.second.deaf = deaf;
  REQUIRE(locked->save());
}

void switch_off(const Scene& scene, std::size_t machine) {
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  locked->world.machine(scene.plan.machines[machine].source.id)->power = Power::off;
  REQUIRE(locked->save());
}

void set_tracking(const Scene& scene, Worker& worker) {
  for (const PlannedMachine& planned : scene.plan.machines) {
    REQUIRE(worker.source->set_tracking(planned.source.id, true, {}));
  }
}

// Of the deltas, as the journal has them.
std::uint64_t delta_bytes(const Scene& scene, Worker& worker, std::uint64_t CopyDetail::*what) {
  std::uint64_t sum = 0;
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto steps = worker.journal->steps(planned.migration_id);
    REQUIRE(steps);
    for (const StepRecord& step : *steps) {
      if (!step.step.starts_with("delta:")) continue;
      const auto delta = copy_detail(step.detail);
      REQUIRE(delta);
      sum += (*delta).*what;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("a source that runs is shut down, and its last writes come along",
          "[faults][cutover][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const bool tracked = GENERATE(false, true);
  Scene scene(GENERATE(false, true));
  scene.run_source();
  Worker worker(scene);
  if (tracked) set_tracking(scene, worker);
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  CHECK(scene.all_run());
  scene.guests_write("written while it was copied");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
  // One block of each machine.
  CHECK(delta_bytes(scene, worker, &CopyDetail::written_bytes) <= 2U << 20);
  if (tracked) CHECK(delta_bytes(scene, worker, &CopyDetail::read_bytes) <= 2U << 20);
  CHECK(all(worker.apply(scene), MachineState::landed));  // once more does nothing
  CHECK_FALSE(scene.all_run());
}

// Writes to its machine's first disk whenever one of the machine's disks begins to be copied. Only
// to that machine's: another may be off by then.
class Guest final : public ApplyStatus {
 public:
  explicit Guest(const Scene& scene) : scene_(scene) {}
  ProgressSink& step(const PlannedMachine& machine, std::string_view step) override {
    if (!step.starts_with("copy:")) return sink_;
    for (std::size_t i = 0; i < scene_.plan.machines.size(); ++i) {
      if (scene_.plan.machines[i].migration_id != machine.migration_id) continue;
      scene_.guest_writes(i, "written for " + std::string(step));
    }
    return sink_;
  }

 private:
  const Scene& scene_;
  ProgressSink sink_;
};

TEST_CASE("what a source writes while it is copied comes along in one apply", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(GENERATE(false, true));
  scene.run_source();
  Worker worker(scene);
  Guest status(scene);
  const auto outcomes = apply(scene.plan, scene.site, worker.crew, {}, status, {});
  REQUIRE(outcomes);
  REQUIRE(all(*outcomes, MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("a source that its users shut down after it was copied is synced too",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  scene.guests_write("the last words");
  scene.set_source_power(Power::off);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  // It was not flyt that shut it down.
  worker.undo_all(scene);
  CHECK(scene.source_power(0) == Power::off);
}

TEST_CASE("a guest that does not shut down keeps running, and its copy is kept",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  set_deaf(scene, true);
  Worker worker(scene);
  auto impatient = with_faults(Scene::open(scene.from), [](std::string_view method) {
    return Fault{method == "set_power" ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.source = impatient.get();
  for (const MachineOutcome& one : worker.apply(scene)) {
    CHECK(one.state == MachineState::failed);
    REQUIRE(one.error);
    CHECK(one.error->what.find("does not shut down") != std::string::npos);
  }
  CHECK(scene.all_run());
  set_deaf(scene, false);
  scene.guests_write("it ran on");
  worker.crew.source = worker.source.get();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  CHECK(delta_bytes(scene, worker, &CopyDetail::written_bytes) <= 2U << 20);
}

TEST_CASE("a guest that is off when its time ends is cut over", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  auto slow = with_faults(Scene::open(scene.from), [](std::string_view method) {
    return Fault{method == "set_power" ? Fault::Kind::after : Fault::Kind::none,
                 Error{Errc::timed_out, "it was not off in time"}};
  });
  worker.crew.source = slow.get();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("a guest that obeys after its machine has failed is switched on again",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  set_deaf(scene, true);
  Worker worker(scene);
  // The first machine: at once, or when the one after it fails.
  const int when = GENERATE(1, 2);
  CAPTURE(when);
  std::atomic<int> failed{0};
  ApplyOptions options;
  options.machines_at_once = 1;
  options.at_step = [&](std::string_view where) {
    if (where == "after outcome of stop" && ++failed == when) switch_off(scene, 0);
  };
  const auto outcomes = worker.apply(scene, options);
  REQUIRE(all(outcomes, MachineState::failed));
  CHECK(scene.all_run());
  for (const MachineOutcome& one : outcomes) {
    REQUIRE(one.error);
    CAPTURE(one.name, one.error->state);
    const bool obeyed = one.name == scene.plan.machines[0].source.name;
    CHECK((one.error->state.find("runs again") != std::string::npos) == obeyed);
    CHECK((one.error->state.find("may still") != std::string::npos) == !obeyed);
  }
  set_deaf(scene, false);
  scene.guests_write("it ran on");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a guest that obeys after the apply has ended is known to have been asked",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  set_deaf(scene, true);
  Worker worker(scene);
  std::stop_source stop;
  const bool stopped = GENERATE(true, false);  // while it is waited for
  CAPTURE(stopped);
  const auto waiting = with_faults(Scene::open(scene.from), [&](std::string_view method) {
    if (!stopped || method != "set_power" || stop.stop_requested()) return Fault{};
    stop.request_stop();
    return Fault{Fault::Kind::hang};
  });
  worker.crew.source = waiting.get();
  const auto outcomes = worker.apply(scene, {}, Call{stop.get_token()});
  CHECK(outcomes[0].state == (stopped ? MachineState::stopped : MachineState::failed));
  REQUIRE(outcomes[0].error);
  CAPTURE(outcomes[0].error->state);
  CHECK(outcomes[0].error->state.find("may still") != std::string::npos);
  worker.crew.source = worker.source.get();
  scene.set_source_power(Power::off);
  if (GENERATE(true, false)) {
    worker.undo_all(scene);
    CHECK(scene.all_run());
  } else {
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
    scene.check_source_clean();
  }
}

TEST_CASE("a cutover that fails leaves the source running", "[faults][cutover][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  // Each call after the shutdown that may fail: of the source, and of the target.
  const char* const method = GENERATE("make_view", "open", "update_machine");
  std::atomic<bool> late{false};
  const auto fail = [&](std::string_view called) {
    return Fault{late && called == method ? Fault::Kind::before : Fault::Kind::none};
  };
  auto source = with_faults(Scene::open(scene.from), fail);
  auto target = with_faults(Scene::open(scene.to), fail);
  worker.crew.source = source.get();
  worker.crew.target = target.get();
  ApplyOptions options;
  options.at_step = [&](std::string_view where) {
    if (where == "after outcome of stop") late = true;
  };
  options.machines_at_once = 1;
  const auto outcomes = worker.apply(scene, options);
  CHECK_FALSE(all(outcomes, MachineState::landed));
  CHECK(scene.all_run());
  // The other one failed before it was shut down.
  CHECK(std::any_of(outcomes.begin(), outcomes.end(), [](const MachineOutcome& one) {
    return one.error && one.error->state.find("runs again") != std::string::npos;
  }));
  scene.guests_write("it ran on");
  worker.crew.source = worker.source.get();
  worker.crew.target = worker.target.get();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("a copy that does not start leaves the source off, and says so", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  Worker worker(scene);
  auto target = with_faults(Scene::open(scene.to), [](std::string_view method) {
    return Fault{method == "set_power" ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.target = target.get();
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::failed));
  CHECK(scene.source_power(0) == Power::off);
  REQUIRE(outcomes[0].error);
  INFO(outcomes[0].error->state);
  const std::string& name = scene.plan.machines[0].source.name;
  CHECK(outcomes[0].error->state.find(name + " is off on ") != std::string::npos);
  worker.crew.target = worker.target.get();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a stop at any step of a cutover leaves the source running, or its copy landed",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  bool stopped = true;
  for (int door = 1; stopped; ++door) {
    INFO("door " << door);
    std::stop_source stop;
    std::atomic<int> doors{0};
    ApplyOptions options;
    options.at_step = [&](std::string_view) {
      if (++doors == door) stop.request_stop();
    };
    stopped = !all(worker.apply(scene, options, Call{stop.get_token()}), MachineState::landed);
    for (std::size_t i = 0; stopped && i < scene.plan.machines.size(); ++i) {
      const auto steps = worker.journal->steps(scene.plan.machines[i].migration_id);
      REQUIRE(steps);
      // Once its copy may have been started, nobody starts the source beside it.
      if (Known{*steps}.find("boot") == nullptr) CHECK(scene.source_power(i) == Power::on);
    }
    for (std::size_t i = 0; stopped && i < scene.plan.machines.size(); ++i) {
      if (scene.source_power(i) != Power::on) continue;
      scene.guest_writes(i, "door " + std::to_string(door));
    }
    if (stopped && !scene.all_run()) break;
  }
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("kill -9 at every write of a cutover is survived", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(true);
  scene.only(0);
  for (int door = 1;; door += next_door) {
    INFO("door " << door);
    REQUIRE(door < 400);
    scene.run_source();
    scene.guests_write("before door " + std::to_string(door));
    const int first = apply_in_child(scene, door);
    if (!killed(first)) {
      CHECK(first == 0);
      scene.check_landed();
      CHECK(door > 40);  // it did come by all of them
      break;
    }
    REQUIRE(apply_in_child(scene, 0) == 0);
    scene.check_landed();
    scene.check_source_clean();
    Worker worker(scene);
    worker.undo_all(scene);
    CHECK(scene.all_run());
  }
}

TEST_CASE("undo after a crash in a cutover starts the source again", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  kill_once_down(scene);
  Worker worker(scene);
  const auto actions = undo_actions(scene.plan, worker.crew, {}, {});
  REQUIRE(actions);
  CHECK(std::any_of(actions->begin(), actions->end(), [](const UndoAction& one) {
    return one.what.find("start") == 0 && one.refused.empty();
  }));
  REQUIRE(undo(scene.plan, worker.crew, {}, {}));
  CHECK(scene.all_run());
  scene.check_source_clean();
  scene.guests_write("it ran on");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("kill -9 at every call of an undo is survived", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  const bool landed = GENERATE(true, false);
  CAPTURE(landed);
  for (int call = 1;; call += next_door) {
    CAPTURE(call);
    REQUIRE(call < 100);
    scene.run_source();
    if (landed) {
      REQUIRE(apply_in_child(scene, 0) == 0);
    } else {
      kill_once_down(scene);
    }
    if (!killed(undo_in_child(scene, call))) {
      CHECK(call > 3);  // it did come by all of them
      break;
    }
    CHECK_FALSE((scene.all_run() && !scene.made().empty() && landed));
    REQUIRE(undo_in_child(scene, 0) == 0);
    CHECK(scene.all_run());
    scene.check_source_clean();
  }
}

TEST_CASE("a source that the plan saw off, and that runs now, is not shut down",
          "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  scene.set_source_power(Power::on);
  Worker worker(scene);
  CHECK(all(worker.apply(scene), MachineState::drifted));
  CHECK(scene.all_run());
}

}  // namespace flyt::tests
