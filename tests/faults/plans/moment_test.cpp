// The source goes on living between two applies, or while it is copied.
#include <fmt/format.h>

#include <fstream>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

const ApplyOptions until_copied{.until = Until::copied};

void write_to(const std::filesystem::path& disk, const std::string& text) {
  std::fstream(disk, std::ios::in | std::ios::out | std::ios::binary) << text;
}

bool says(const std::vector<MachineOutcome>& outcomes, std::string_view text) {
  for (const MachineOutcome& one : outcomes) {
    if (one.error && one.error->what.find(text) != std::string::npos) return true;
  }
  return false;
}

// The source as one that is read as it stands: it has no views, or they hold none of its disks.
std::unique_ptr<Driver> without_views_of_disks(const Scene& scene, bool has_views) {
  if (!has_views) return without_views(Scene::open(scene.from));
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  for (const PlannedMachine& planned : scene.plan.machines) {
    auto& independent = locked->world.inside[planned.source.id].independent;
    for (const Disk& disk : planned.source.disks) independent.push_back(disk.id);
  }
  REQUIRE(locked->save());
  return Scene::open(scene.from);
}

// Changes the source's second disk when the copy of it has begun.
class Meddler final : public ApplyStatus {
 public:
  explicit Meddler(std::filesystem::path disk) : writes_(std::move(disk)) {}
  ProgressSink& step(const PlannedMachine&, std::string_view step) override {
    return step == "copy:1" ? writes_ : sink_;
  }

 private:
  // Once the disk is open: before, it may have no file yet.
  struct Writes : ProgressSink {
    explicit Writes(std::filesystem::path path) : disk(std::move(path)) {}
    void total(std::uint64_t) override { write_to(disk, "somebody writes"); }
    std::filesystem::path disk;
  };

  Writes writes_;
  ProgressSink sink_;
};

}  // namespace

TEST_CASE("a source without views that changed between two applies", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(GENERATE(false, true));
  const auto source = without_views_of_disks(scene, GENERATE(false, true));
  {
    Worker worker(scene);
    worker.crew.source = source.get();
    REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  }
  write_to(scene.source_disk(0, 0), "the guest ran on");
  Worker worker(scene);
  worker.crew.source = source.get();
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a source that did not change is not copied again", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  const auto source = without_views_of_disks(scene, GENERATE(false, true));
  for (const Until until : {Until::copied, Until::landed}) {
    Worker worker(scene);
    worker.crew.source = source.get();
    ApplyOptions options;
    options.until = until;
    (void)worker.apply(scene, options);
    for (const PlannedMachine& planned : scene.plan.machines) {
      const auto steps = worker.journal->steps(planned.migration_id);
      REQUIRE(steps);
      for (const StepRecord& step : *steps) {
        if (step.step == "copy:0") CHECK(step.epoch == 1);
      }
    }
  }
  scene.check_landed();
}

TEST_CASE("a source that is written to while it is copied is drift", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  const auto source = without_views_of_disks(scene, GENERATE(false, true));
  std::size_t web = scene.plan.machines[0].source.name == "web01" ? 0 : 1;
  Worker worker(scene);
  worker.crew.source = source.get();
  Meddler status(scene.source_disk(web, 1));
  const auto outcomes = apply(scene.plan, scene.site, worker.crew, {}, status, {});
  REQUIRE(outcomes);
  CHECK((*outcomes)[web].state == MachineState::drifted);
  CHECK(says(*outcomes, "were changed while they were copied"));
  CHECK((*outcomes)[1 - web].state == MachineState::landed);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a source that was started is neither copied nor doubled", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  SECTION("without views it is drift at once") {
    const auto source = without_views(Scene::open(scene.from));
    worker.crew.source = source.get();
    scene.set_source_power(Power::on);
    const auto outcomes = worker.apply(scene);
    CHECK(all(outcomes, MachineState::drifted));
    CHECK(says(outcomes, "the source is not off"));
    CHECK(scene.made().empty());
  }
  SECTION("with views its copy is not started beside it") {
    scene.set_source_power(Power::on);
    const auto outcomes = worker.apply(scene);
    CHECK(all(outcomes, MachineState::drifted));
    for (const Machine& machine : scene.made()) CHECK(machine.power == Power::off);
    scene.set_source_power(Power::off);
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
  }
}

TEST_CASE("a disk that no view holds is read while its machine is off", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  const std::size_t web = scene.plan.machines[0].source.name == "web01" ? 0 : 1;
  scene.only(web);
  const Machine& machine = scene.plan.machines[0].source;
  {
    auto locked = scene.from.lock({});
    REQUIRE(locked);
    locked->world.inside[machine.id].independent = {machine.disks[1].id};
    REQUIRE(locked->save());
  }
  Worker worker(scene);
  SECTION("when the one that a view holds has changed, its copy is not the last state") {
    Meddler status(scene.source_disk(0, 0));
    const auto outcomes = apply(scene.plan, scene.site, worker.crew, {}, status, {});
    REQUIRE(outcomes);
    CHECK(all(*outcomes, MachineState::drifted));
    CHECK(says(*outcomes, "ran after it was copied"));
    for (const Machine& made : scene.made()) CHECK(made.power == Power::off);
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
  }
  SECTION("the other may not") {
    Meddler status(scene.source_disk(0, 1));
    const auto outcomes = apply(scene.plan, scene.site, worker.crew, {}, status, {});
    REQUIRE(outcomes);
    CHECK(all(*outcomes, MachineState::drifted));
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
  }
  SECTION("nor while nobody looks") {
    REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
    write_to(scene.source_disk(0, 1), "the guest ran on");
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
  }
  scene.check_source_clean();
}

TEST_CASE("a view that somebody made anew is another moment", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(GENERATE(false, true));
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  for (std::size_t i = 0; i < scene.plan.machines.size(); ++i) {
    const PlannedMachine& planned = scene.plan.machines[i];
    REQUIRE(worker.source->drop_view(
        {.machine = planned.source.id, .name = "flyt-1", .owner = {planned.migration_id, 9}}, {}));
    write_to(scene.source_disk(i, 0), "the guest ran on");
  }
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("a plan without conversion undoes that of an earlier one", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(true);
  // All is converted and committed, and then it stops.
  {
    Worker worker(scene);
    std::stop_source stop;
    ApplyOptions options;
    options.at_step = [&](std::string_view where) {
      if (where == "before intent of shape") stop.request_stop();
    };
    CHECK_FALSE(all(worker.apply(scene, options, Call{stop.get_token()}), MachineState::landed));
  }
  for (PlannedMachine& machine : scene.plan.machines) machine.convert = false;
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("overlays that are lost cost a comparison, not the machine", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(true);
  {
    Worker worker(scene);
    std::stop_source stop;
    ApplyOptions options;
    options.at_step = [&](std::string_view where) {
      if (where == "after outcome of commit:0") stop.request_stop();
    };
    CHECK_FALSE(all(worker.apply(scene, options, Call{stop.get_token()}), MachineState::landed));
  }
  std::filesystem::remove_all(scene.site.state / "overlays");
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  scene.check_landed();
}

TEST_CASE("ground that the policy forbids since the plan was made", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.site.policy.countries = {"SE"};
  Ground ground;
  ground.country = "DK";
  scene.site.endpoints[scene.plan.target].ground = ground;
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  CHECK(all(outcomes, MachineState::failed));
  CHECK(says(outcomes, "policy"));
  CHECK(scene.made().empty());
}

TEST_CASE("undo spares what it does not know and what runs", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  const UndoOptions options{.target = true};
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene, until_copied), MachineState::copied));
  for (const Machine& machine : scene.made()) {
    REQUIRE(worker.target->set_power(machine.id, Driver::PowerChange::on, {}));
  }
  REQUIRE(undo(scene.plan, worker.crew, options, {}));
  CHECK(scene.made().size() == 2);
  std::filesystem::remove_all(scene.site.state);
  Worker stranger(scene);
  const auto actions = undo_actions(scene.plan, stranger.crew, {true, true}, {});
  REQUIRE(actions);
  REQUIRE(actions->size() == 2);
  for (const UndoAction& one : *actions) CHECK(one.refused.find("journal") != std::string::npos);
  REQUIRE(undo(scene.plan, stranger.crew, {true, true}, {}));
  CHECK(scene.made().size() == 2);
}
TEST_CASE("a source disk that has grown is followed", "[faults][moment]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  {
    Worker worker(scene);
    REQUIRE(all(worker.apply(scene, {.until = Until::copied}), MachineState::copied));
  }
  // To a size whose last block is another one, with something in it.
  const std::uint64_t larger = (5U << 20) + 1536;
  {
    auto locked = scene.from.lock({});
    REQUIRE(locked);
    Machine* source = locked->world.machine(scene.plan.machines[0].source.id);
    REQUIRE(source != nullptr);
    source->disks[0].size_bytes = larger;
    const auto file = scene.from.disk(source->id, source->disks[0].id);
    std::filesystem::resize_file(file, larger);
    std::fstream end(file, std::ios::in | std::ios::out | std::ios::binary);
    end.seekp(static_cast<std::streamoff>(larger - 4));
    end << "tail";
    REQUIRE(locked->save());
  }
  {
    Worker worker(scene);
    CHECK(worker.apply(scene).front().state == MachineState::drifted);
  }
  PlannedMachine& planned = scene.plan.machines[0];
  planned.source.disks[0].size_bytes = planned.spec.disks[0].size_bytes = larger;
  for (Fact& fact : planned.facts) {
    if (fact.subject == "source disk 0" && fact.name == "size_bytes") {
      fact.value = std::to_string(larger);
    }
  }
  scene.write_plan();
  SECTION("at once") {
    Worker worker(scene);
    REQUIRE(all(worker.apply(scene), MachineState::landed));
    scene.check_landed();
  }
  SECTION("by a flyt that is killed again and again") {
    for (int door = 1; door < 200; door += 5) {
      if (!killed(apply_in_child(scene, door))) break;
    }
    scene.check_landed();
  }
}

}  // namespace flyt::tests
