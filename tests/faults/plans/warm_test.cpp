// Copies of machines that run on are brought up to date, and change tracking is switched on for it.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "drivers/decorators/fault.hpp"
#include "plans/source.hpp"
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

const ApplyOptions until_warm{.until = Until::warm};

// Whether the platform tracks the changes of all, or of none; both at once fails.
bool tracked(const Scene& scene) {
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  std::size_t count = 0;
  for (const PlannedMachine& planned : scene.plan.machines) {
    if (locked->world.inside[planned.source.id].tracking) ++count;
  }
  REQUIRE((count == 0 || count == scene.plan.machines.size()));
  return count != 0;
}

void consent(Scene& scene) {
  for (PlannedMachine& machine : scene.plan.machines) machine.track_changes = true;
  scene.write_plan();
}

// Of the newest copies, as the journal has them.
std::uint64_t read_bytes(const Scene& scene, Worker& worker, const std::string& kind) {
  std::uint64_t sum = 0;
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto steps = worker.journal->steps(planned.migration_id);
    REQUIRE(steps);
    for (const StepRecord& step : *steps) {
      if (!step.step.starts_with(kind + ":")) continue;
      const auto detail = copy_detail(step.detail);
      REQUIRE(detail);
      sum += detail->read_bytes;
    }
  }
  return sum;
}

bool equal_now(const Scene& scene, Worker& worker) {
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto made = worker.target->inventory({"", planned.migration_id}, {});
    REQUIRE(made);
    REQUIRE(made->machines.size() == 1);
    const Machine& machine = made->machines.front();
    for (std::size_t i = 0; i < machine.disks.size(); ++i) {
      if (content(scene.to.disk(machine.id, machine.disks[i].id)) !=
          content(scene.from.disk(planned.source.id, planned.source.disks[i].id))) {
        return false;
      }
    }
  }
  return true;
}

// Every storage of the source has 1 GiB, and this much of it is free.
void set_free(const Scene& scene, unsigned percent) {
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  for (Storage& storage : locked->world.ground.storages) {
    storage.size_bytes = 1U << 30;
    storage.free_bytes = (std::uint64_t{1} << 30) / 100 * percent;
  }
  REQUIRE(locked->save());
}

// Fills the source's storage when the first disk begins to be copied, and lets nothing go on before
// that was seen.
class Filler final : public ApplyStatus {
 public:
  Filler(const Scene& scene, std::atomic<int>& asked) : scene_(scene), asked_(asked) {}
  ProgressSink& step(const PlannedMachine&, std::string_view step) override {
    if (step == "copy:0") {
      const int before = asked_;
      set_free(scene_, 5);
      while (asked_ == before) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    return sink_;
  }

 private:
  const Scene& scene_;
  std::atomic<int>& asked_;
  ProgressSink sink_;
};

}  // namespace

TEST_CASE("each warm apply brings the copies up to date and leaves no view", "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const bool with_tracking = GENERATE(false, true);
  Scene scene(GENERATE(false, true));
  scene.run_source();
  if (with_tracking) consent(scene);
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    scene.guests_write(fmt::format("round {}", round));
    Worker worker(scene);
    REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
    CHECK(equal_now(scene, worker));
    CHECK(tracked(scene) == with_tracking);
    CHECK(scene.source_power(0) == Power::on);
    scene.check_source_clean();
    // A block of each machine, where the platform tells which.
    if (with_tracking && round > 0) {
      CHECK(read_bytes(scene, worker, "copy") <= scene.plan.machines.size() << 20U);
    }
  }
  scene.guests_write("the last words");
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
  CHECK_FALSE(tracked(scene));
  // What the guests wrote was copied before they were shut down.
  if (with_tracking) CHECK(read_bytes(scene, worker, "delta") == 0);
}

TEST_CASE("tracking that was on before stays on, and none is switched on unasked",
          "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  Worker worker(scene);
  SECTION("on before") {
    consent(scene);
    for (const PlannedMachine& planned : scene.plan.machines) {
      REQUIRE(worker.source->set_tracking(planned.source.id, true, {}));
    }
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    CHECK(tracked(scene));
  }
  SECTION("no consent") {
    REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
    CHECK_FALSE(tracked(scene));
  }
  SECTION("undone on the source alone") {
    consent(scene);
    REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
    REQUIRE(undo(scene.plan, worker.crew, {}, {}));
    CHECK_FALSE(tracked(scene));
    scene.guests_write("after undo");
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
    CHECK_FALSE(tracked(scene));
  }
  SECTION("undone") {
    consent(scene);
    REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
    CHECK(tracked(scene));
    worker.undo_all(scene);
    CHECK_FALSE(tracked(scene));
    // And once more from there: nothing is lost.
    scene.guests_write("after undo");
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
    CHECK_FALSE(tracked(scene));
  }
}

TEST_CASE("a source that cannot track is compared whole", "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.run_source();
  consent(scene);
  Worker worker(scene);
  const auto refusing = with_faults(Scene::open(scene.from), [](std::string_view method) {
    return Fault{method == "set_tracking" ? Fault::Kind::before : Fault::Kind::none,
                 {Errc::unsupported, "not on this one"}};
  });
  worker.crew.source = refusing.get();
  REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
  scene.guests_write("untracked");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a warm apply may be killed at every door", "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  consent(scene);
  for (int door = 1;; ++door) {
    INFO("door " << door);
    // Each meets what the ones before have left, at another place.
    const int ended = apply_in_child(scene, door, Until::warm);
    scene.guests_write(fmt::format("door {}", door));
    if (killed(ended)) continue;
    CHECK(ended == 0);
    CHECK(door > 10);  // it did come by all of them
    break;
  }
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene, until_warm), MachineState::copied));
  CHECK(equal_now(scene, worker));
  scene.check_source_clean();
  worker.undo_all(scene);
  CHECK_FALSE(tracked(scene));
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  CHECK_FALSE(tracked(scene));
}

TEST_CASE("a copy is given up before its snapshot fills the storage", "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  Worker worker(scene);
  std::atomic<int> asked = 0;
  const auto counting = with_faults(Scene::open(scene.from), [&asked](std::string_view method) {
    if (method == "inventory") ++asked;
    return Fault{};
  });
  worker.crew.source = counting.get();
  SECTION("while it copies") {
    set_free(scene, 50);
    Filler status(scene, asked);
    ApplyOptions options;
    options.room_interval = std::chrono::milliseconds(1);
    const auto outcomes = apply(scene.plan, scene.site, worker.crew, options, status, {});
    REQUIRE(outcomes);
    REQUIRE(all(*outcomes, MachineState::failed));
    REQUIRE(outcomes->front().error);
    CHECK(outcomes->front().error->what.find("too little room") != std::string::npos);
  }
  SECTION("before it begins") {
    set_free(scene, 14);
    const auto outcomes = worker.apply(scene);
    REQUIRE(all(outcomes, MachineState::failed));
    CHECK(outcomes.front().error->what.find("too little room") != std::string::npos);
  }
  CHECK(scene.source_power(0) == Power::on);
  scene.check_source_clean();
  set_free(scene, 15);
  scene.guests_write("it ran on");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a view that is too old is made anew", "[faults][warm]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  Worker worker(scene);
  const auto view = [&] {
    const auto steps = worker.journal->steps(scene.plan.machines[0].migration_id);
    REQUIRE(steps);
    const Known known{*steps};
    const StepRecord* record = known.find("view");
    REQUIRE(record != nullptr);
    return view_detail(record->detail).value();
  };
  const ApplyOptions until_copied{.until = Until::copied};
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  const ViewDetail first = view();
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  CHECK(view().identity == first.identity);
  worker.crew.now = [] { return std::string("2026-11-25T12:00:01Z"); };
  scene.guests_write("a day later");
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  CHECK(view().identity != first.identity);
  CHECK(view().number == 2);
  CHECK(equal_now(scene, worker));
}

}  // namespace flyt::tests
