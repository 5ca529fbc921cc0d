// A source that lives on after its cutover began: what it wrote later must be on the target, or
// nothing lands.
#include <fmt/format.h>

#include "drivers/decorators/fault.hpp"
#include "plans/source.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

const ApplyOptions until_copied{.until = Until::copied};

// Applies until just before `where`, a door of ApplyOptions::at_step, and is stopped there.
void stop_at(const Scene& scene, Worker& worker, std::string_view where) {
  std::stop_source stop;
  ApplyOptions options;
  bool came_by = false;
  options.at_step = [&](std::string_view door) {
    if (door != where) return;
    came_by = true;
    stop.request_stop();
  };
  CHECK_FALSE(all(worker.apply(scene, options, Call{stop.get_token()}), MachineState::landed));
  CHECK(came_by);
}

// The power of a source as somebody else switches it; the plan is as it was.
void run_and_shut_down(const Scene& scene, const std::string& text) {
  scene.set_source_power(Power::on);
  scene.guests_write(text);
  scene.set_source_power(Power::off);
}

// The first apply may tell that it has noticed; the next one lands all that was written.
void check_lands(Scene& scene, Worker& worker) {
  if (!all(worker.apply(scene), MachineState::landed)) {
    REQUIRE(all(worker.apply(scene), MachineState::landed));
  }
  scene.check_landed();
  scene.check_source_clean();
}

}  // namespace

TEST_CASE("a cutover that is stopped anywhere brings later writes along", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(GENERATE(false, true));
  scene.only(0);
  scene.run_source();
  Worker worker(scene);
  const std::string where =
      GENERATE(as<std::string>(), "after outcome of stop", "after outcome of last",
               "after outcome of delta:0", "after outcome of shape", "before outcome of bytes",
               "after outcome of bytes");
  INFO(where);
  stop_at(scene, worker, where);
  REQUIRE(scene.source_power(0) == Power::on);
  scene.guests_write("written after " + where);
  SECTION("and goes on") {}
  SECTION("or is stopped there once more") {
    stop_at(scene, worker, where);
    scene.guests_write("again after " + where);
  }
  SECTION("or is undone") {
    REQUIRE(undo(scene.plan, worker.crew, {}, {}));
    scene.guests_write("undone after " + where);
  }
  check_lands(scene, worker);
}

TEST_CASE("a cutover that is killed, and a source that somebody starts", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  for (int door = 1;; door += next_door) {
    INFO("door " << door);
    REQUIRE(door < 400);
    scene.run_source();
    scene.guests_write(fmt::format("before {}", door));
    if (!killed(apply_in_child(scene, door))) {
      CHECK(door > 30);
      break;
    }
    Worker worker(scene);
    const auto steps = worker.journal->steps(scene.plan.machines[0].migration_id);
    REQUIRE(steps);
    const bool started = Known{*steps}.find("boot") != nullptr;
    if (!started) {
      // By hand: nothing of flyt knows of it.
      scene.set_source_power(Power::on);
      scene.guests_write(fmt::format("started by hand after {}", door));
      if (door % 2 == 0) scene.set_source_power(Power::off);
      check_lands(scene, worker);
    }
    worker.undo_all(scene);
  }
}

TEST_CASE("a plan made anew while the source is off has its last state", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  SECTION("copied while it ran") {
    REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  }
  SECTION("in the midst of its cutover") { kill_once_down(scene); }
  scene.guests_write("the last words");
  scene.set_source_power(Power::off);
  for (PlannedMachine& machine : scene.plan.machines) machine.source.power = Power::off;
  scene.write_plan();
  check_lands(scene, worker);
}

TEST_CASE("a machine that was off, and ran between two applies", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  Worker worker(scene);
  SECTION("after it was copied") {
    REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  }
  SECTION("after its bytes were proven") {
    scene.only(0);
    stop_at(scene, worker, "after outcome of bytes");
  }
  run_and_shut_down(scene, "it ran meanwhile");
  check_lands(scene, worker);
}

TEST_CASE("a last view that could not be dropped is not taken for a new one", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  Worker worker(scene);
  // Once the delta is done nothing is dropped any more.
  bool stuck = false;
  const auto refusing = with_faults(Scene::open(scene.from), [&stuck](std::string_view method) {
    return Fault{stuck && method == "drop_view" ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.source = refusing.get();
  std::stop_source stop;
  ApplyOptions options;
  options.at_step = [&](std::string_view door) {
    if (door != "after outcome of delta:0") return;
    stuck = true;
    stop.request_stop();
  };
  CHECK_FALSE(all(worker.apply(scene, options, Call{stop.get_token()}), MachineState::landed));
  CHECK(scene.source_power(0) == Power::on);
  stuck = false;
  scene.guests_write("it ran on");
  SECTION("and goes on") {}
  SECTION("or was shut down by its users") { scene.set_source_power(Power::off); }
  check_lands(scene, worker);
}

TEST_CASE("undo that cannot start the source again knows it the next time", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  kill_once_down(scene);
  Worker worker(scene);
  const auto refusing = with_faults(Scene::open(scene.from), [](std::string_view method) {
    return Fault{method == "set_power" ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.source = refusing.get();
  CHECK_FALSE(undo(scene.plan, worker.crew, {.target = true}, {}));
  CHECK(scene.source_power(0) == Power::off);
  worker.crew.source = worker.source.get();
  REQUIRE(undo(scene.plan, worker.crew, {.target = true}, {}));
  CHECK(scene.source_power(0) == Power::on);
  scene.check_source_clean();
}

TEST_CASE("undo starts no source beside a copy that somebody has started", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  kill_once_down(scene);
  Worker worker(scene);
  const auto made = scene.made();
  REQUIRE(made.size() == 1);
  REQUIRE(worker.target->set_power(made[0].id, Driver::PowerChange::on, {}));
  // With --target it is refused, since the copy may hold newer data.
  for (const bool target : {false, true}) {
    REQUIRE(undo(scene.plan, worker.crew, {.target = target}, {}));
    CHECK(scene.source_power(0) == Power::off);
    CHECK(scene.made().size() == 1);
  }
  REQUIRE(worker.target->set_power(made[0].id, Driver::PowerChange::forced_off, {}));
  REQUIRE(undo(scene.plan, worker.crew, {}, {}));
  CHECK(scene.source_power(0) == Power::on);
}

TEST_CASE("asking for copies alone leaves no source down", "[faults][cutover]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  kill_once_down(scene);
  Worker worker(scene);
  SECTION("where it cannot be started again, that is a failure") {
    const auto refusing = with_faults(Scene::open(scene.from), [](std::string_view method) {
      return Fault{method == "set_power" ? Fault::Kind::before : Fault::Kind::none};
    });
    worker.crew.source = refusing.get();
    const auto outcomes = worker.apply(scene, until_copied);
    CHECK(all(outcomes, MachineState::failed));
    REQUIRE(outcomes.front().error);
    CHECK(outcomes.front().error->remedy.front().find("flyt undo") == 0);
    worker.crew.source = worker.source.get();
  }
  CHECK(all(worker.apply(scene, until_copied), MachineState::copied));
  CHECK(scene.source_power(0) == Power::on);
  scene.guests_write("it ran on");
  check_lands(scene, worker);
}

}  // namespace flyt::tests
