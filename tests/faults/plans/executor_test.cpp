#include "plans/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"
#include "tests/faults/plans/passing.hpp"

namespace flyt::tests {
namespace {

constexpr std::uint64_t mib = 1 << 20;

}  // namespace

TEST_CASE("a plan with two machines lands, byte by byte", "[faults][executor][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(GENERATE(false, true));
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::landed));
  for (const MachineOutcome& one : outcomes) {
    REQUIRE_FALSE(one.verdicts.empty());
    CHECK(one.verdicts[0].question == Question::bytes);
    CHECK(one.verdicts[0].answer == Answer::pass);
  }
  scene.check_landed();
  scene.check_source_clean();
  CHECK(all(worker.apply(scene), MachineState::landed));  // once more does nothing
  scene.check_landed();
  worker.undo_all(scene);
}

TEST_CASE("kill -9 at every write of the journal is survived", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(true);
  for (int door = 1;; door += next_door) {
    INFO("door " << door);
    REQUIRE(door < 400);
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
  }
}

TEST_CASE("one apply that is killed again and again still lands", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(true);
  // Three steps may be under way at once, each at three doors before it has an outcome.
  const int stride = GENERATE(10, 13);
  int kills = 0;
  while (killed(apply_in_child(scene, stride))) REQUIRE(++kills < 100);
  CHECK(kills > 2);
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("a stop at any step leaves what the next apply goes on from",
          "[faults][executor][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  bool stopped = true;
  for (int door = 1; stopped; ++door) {
    INFO("door " << door);
    std::stop_source stop;
    std::atomic<int> doors{0};
    ApplyOptions options;
    options.at_step = [&](std::string_view) {
      if (++doors == door) stop.request_stop();
    };
    const auto outcomes = worker.apply(scene, options, Call{stop.get_token()});
    stopped = !all(outcomes, MachineState::landed);
    for (const MachineOutcome& one : outcomes) {
      const bool fits = one.state == MachineState::stopped || one.state == MachineState::waiting ||
                        one.state == MachineState::landed;
      CHECK(fits);
    }
    CHECK((!stopped || stop.stop_requested()));
    if (stopped) REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
    scene.check_source_clean();
    worker.undo_all(scene);
  }
}

// Counts how often all machines of a platform are looked into.
class Counted final : public Passing {
 public:
  using Passing::Passing;

  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    ++(scope.machine.empty() && scope.migration_id.empty() ? whole : narrow);
    return Passing::inventory(scope, call);
  }

  std::atomic<int> whole{0}, narrow{0};
};

TEST_CASE("no machine of a plan has all machines of a platform looked into", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  Counted source(Scene::open(scene.from)), target(Scene::open(scene.to));
  worker.crew.source = &source;
  worker.crew.target = &target;
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  worker.undo_all(scene);
  for (const Counted* one : {&source, &target}) {
    CHECK(one->whole == 0);
    CHECK(one->narrow > 0);
  }
}

TEST_CASE("a machine that fails leaves the others to land", "[faults][executor][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  std::atomic<int> views{0};
  auto faulty = with_faults(Scene::open(scene.from), [&](std::string_view method) {
    return Fault{method == "make_view" && ++views == 1 ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.source = faulty.get();
  const auto outcomes = worker.apply(scene);
  const auto count = [&](MachineState state) {
    return std::count_if(outcomes.begin(), outcomes.end(),
                         [&](const MachineOutcome& one) { return one.state == state; });
  };
  CHECK(count(MachineState::failed) == 1);
  CHECK(count(MachineState::landed) == 1);
  for (const MachineOutcome& one : outcomes) {
    if (one.state != MachineState::failed) continue;
    REQUIRE(one.error);
    CHECK(one.error->what.find("an injected fault") != std::string::npos);
  }
  CHECK(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
  scene.check_source_clean();
}

TEST_CASE("a marker is seen in whatever a console says", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  for (PlannedMachine& machine : scene.plan.machines) machine.marker = "GUEST-READY";
  ApplyOptions options;
  options.at_step = [&scene](std::string_view) {
    auto locked = scene.to.lock({});
    if (!locked) return;  // then the marker is missing
    const std::string flood(sanitized ? mib / 8 : 3 * mib, 'x');
    const std::string console = fmt::format("{0}GUEST-READY{0}", flood);
    for (const Machine& machine : locked->world.ground.machines) {
      locked->world.inside[machine.id].boots = console;
    }
    (void)locked->save();  // as above
  };
  Worker worker(scene);
  const auto outcomes = worker.apply(scene, options);
  REQUIRE(all(outcomes, MachineState::landed));
  for (const MachineOutcome& one : outcomes) {
    const auto boot =
        std::find_if(one.verdicts.begin(), one.verdicts.end(),
                     [](const Verdict& verdict) { return verdict.question == Question::boot; });
    REQUIRE(boot != one.verdicts.end());
    CHECK(boot->answer == Answer::pass);
    CHECK(boot->why.find("GUEST-READY") != std::string::npos);
  }
}

TEST_CASE("a look at a start that ends with its time does not undo what was seen before",
          "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.plan.machines.front().marker = "never said";
  scene.plan.machines.front().boot_timeout = std::chrono::seconds(10);
  Worker worker(scene);
  std::atomic<int> looks{0};
  const auto slow = with_faults(Scene::open(scene.to), [&](std::string_view method) {
    const bool second = method == "observe" && ++looks == 2;
    return Fault{second ? Fault::Kind::hang : Fault::Kind::none};
  });
  worker.crew.target = slow.get();
  const auto outcomes = worker.apply(scene);
  CHECK(looks > 2);
  CHECK_FALSE(outcomes.front().error);  // it was judged, not given up
  const std::vector<Verdict>& verdicts = outcomes.front().verdicts;
  const bool judged = std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& one) {
    return one.question == Question::boot && one.why.find("never said") != std::string::npos;
  });
  CHECK(judged);
}

TEST_CASE("after an undo of the source, all is copied from the new view",
          "[faults][executor][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  ApplyOptions options;
  options.until = Until::copied;
  REQUIRE(all(worker.apply(scene, options), MachineState::copied));
  REQUIRE(undo(scene.plan, worker.crew, {}, {}));
  scene.check_source_clean();
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto disk = scene.from.disk(planned.source.id, planned.source.disks[0].id);
    std::fstream(disk, std::ios::in | std::ios::out | std::ios::binary) << "the guest ran on";
  }
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a source disk of another size is drift, and nothing is written",
          "[faults][executor][tsan]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  {
    auto locked = scene.from.lock({});
    REQUIRE(locked);
    for (Machine& machine : locked->world.ground.machines) machine.disks[0].size_bytes += mib;
    REQUIRE(locked->save());
  }
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  CHECK(all(outcomes, MachineState::drifted));
  for (const MachineOutcome& one : outcomes) {
    REQUIRE(one.error);
    CHECK(one.error->what.find("size_bytes") != std::string::npos);
    const auto steps = worker.journal->steps(one.migration_id);
    REQUIRE(steps);
    CHECK(steps->empty());
  }
  CHECK(scene.made().empty());
}

}  // namespace flyt::tests
