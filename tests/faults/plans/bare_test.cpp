// Volumes without a machine, and templates, on their way: none is started, each is handed over
// once.
#include <algorithm>

#include "base/bare_volume.hpp"
#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "drivers/decorators/fault.hpp"
#include "planners/planner.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

constexpr std::uint64_t odd_size = (1 << 20) + 777;

std::string content(const std::filesystem::path& file) {
  auto read = read_file(file, 64U << 20);
  REQUIRE(read);
  return *std::move(read);
}

Inventory shown(const memory::WorldFolder& world) {
  auto found = Scene::open(world)->inventory({}, {});
  REQUIRE(found);
  return *std::move(found);
}

// A disc's image and, where `with_template`, a template, too.
void plan_bare(Scene& scene, bool with_template) {
  {
    auto locked = scene.from.lock({});
    REQUIRE(locked);
    memory::add_volume(locked->world, "tools.iso", "iso", {odd_size, 21});
    if (with_template) {
      memory::add_machine(locked->world, "golden", {{2 << 20, 22}}).is_template = true;
    }
    REQUIRE(locked->save());
  }
  const Inventory source = shown(scene.from);
  Inventory target = shown(scene.to);
  target.can = {Capability::templates};
  PlanInput input{.site = &scene.site, .source = &source, .target = &target};
  input.select = {"volume=tools.iso"};
  if (with_template) input.select.emplace_back("golden");
  input.flyt_version = "test";
  auto made = make_plan(input);
  REQUIRE(made);
  scene.plan = *std::move(made);
  for (const Concern& one : scene.plan.concerns) UNSCOPED_INFO(one.code << " " << one.text);
  REQUIRE(scene.plan.machines.size() == (with_template ? 2 : 1));
  scene.write_plan();
}

const PlannedMachine& volume_of(const Scene& scene) {
  const auto found = std::find_if(scene.plan.machines.begin(), scene.plan.machines.end(),
                                  [](const PlannedMachine& one) { return !one.spec.bare.empty(); });
  REQUIRE(found != scene.plan.machines.end());
  return *found;
}

void check_volume(const Scene& scene) {
  const Inventory target = shown(scene.to);
  REQUIRE(target.volumes.size() == 1);
  const Volume& volume = target.volumes.front();
  CHECK(volume.name == "tools.iso");
  CHECK(volume.kind == "iso");
  CHECK(volume.size_bytes == odd_size);
  const PlannedMachine& planned = volume_of(scene);
  const std::string copied = content(scene.to.disk(bare_id(volume.id), volume.id));
  const bool equal =
      copied == content(scene.from.disk(planned.source.id, planned.source.disks.front().id));
  CHECK(copied.size() == odd_size);
  CHECK(equal);
}

bool has(const MachineOutcome& outcome, Question question) {
  return std::any_of(outcome.verdicts.begin(), outcome.verdicts.end(),
                     [&](const Verdict& one) { return one.question == question; });
}

}  // namespace

TEST_CASE("a volume without a machine is moved, proven and handed over", "[faults][bare]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  plan_bare(scene, true);
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::landed));
  for (const MachineOutcome& one : outcomes) {
    CHECK_FALSE(one.starts);
    CHECK(has(one, Question::bytes));
    CHECK_FALSE(has(one, Question::boot));
    CHECK(std::any_of(one.verdicts.begin(), one.verdicts.end(), [](const Verdict& verdict) {
      return verdict.question == Question::bytes && verdict.answer == Answer::pass;
    }));
  }
  check_volume(scene);
  const auto machines = scene.made();
  REQUIRE(machines.size() == 1);
  CHECK(machines[0].is_template);
  CHECK(machines[0].power == Power::off);
  const auto verified = verify(scene.plan, scene.site, worker.crew, worker.status, {});
  REQUIRE(verified);
  CHECK(all(*verified, MachineState::landed));
  // Again: nothing is to be done.
  CHECK(all(worker.apply(scene), MachineState::landed));
  check_volume(scene);
}

TEST_CASE("kill -9 at every write of the journal is survived by a volume", "[faults][bare]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  plan_bare(scene, false);
  for (int door = 1;; door += next_door) {
    INFO("door " << door);
    REQUIRE(door < 100);
    const int first = apply_in_child(scene, door);
    if (!killed(first)) {
      CHECK(first == 0);
      CHECK(door > 20);  // it did come by all of them
      break;
    }
    REQUIRE(apply_in_child(scene, 0) == 0);
    check_volume(scene);
    Worker worker(scene);
    worker.undo_all(scene);
    CHECK(shown(scene.to).volumes.empty());
  }
}

TEST_CASE("what was handed over is not written to again, nor removed unasked", "[faults][bare]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  plan_bare(scene, false);
  Worker worker(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  const std::string& id = volume_of(scene).migration_id;
  const auto actions = undo_actions(scene.plan, worker.crew, {.target = true}, {});
  REQUIRE(actions);
  REQUIRE(actions->size() == 1);
  CHECK(actions->front().refused.find("--started") != std::string::npos);
  REQUIRE(undo(scene.plan, worker.crew, {.target = true}, {}));
  check_volume(scene);
  REQUIRE(worker.journal->reset(id, "copy:0", "a test"));
  const auto outcomes = worker.apply(scene);
  REQUIRE(outcomes.front().error);
  CHECK(outcomes.front().error->what == "it has been handed over to its users on the target");
  check_volume(scene);
}

TEST_CASE("a volume that changes while it is copied is not handed over", "[faults][bare]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  plan_bare(scene, false);
  Worker worker(scene);
  ApplyOptions options;
  options.at_step = [&](std::string_view where) {
    if (where == "after outcome of bytes") scene.guest_writes(0, "somebody else");
  };
  const auto outcomes = worker.apply(scene, options);
  REQUIRE(outcomes.front().state == MachineState::drifted);
  CHECK(shown(scene.to).volumes.front().name != "tools.iso");
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  check_volume(scene);
}

TEST_CASE("a name that was taken meanwhile is left to who has it", "[faults][bare]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  plan_bare(scene, false);
  Worker worker(scene);
  ApplyOptions options;
  options.at_step = [&](std::string_view where) {
    if (where != "after outcome of bytes") return;
    auto locked = scene.to.lock({});
    REQUIRE(locked);
    memory::add_volume(locked->world, "tools.iso", "iso", {4096, 23});
    REQUIRE(locked->save());
  };
  const auto outcomes = worker.apply(scene, options);
  REQUIRE(outcomes.front().error);
  CHECK(outcomes.front().error->code == Errc::exists);
  const auto volumes = shown(scene.to).volumes;
  CHECK(std::any_of(volumes.begin(), volumes.end(), [](const Volume& one) {
    return one.name == "tools.iso" && one.migration_id.empty() && one.size_bytes == 4096;
  }));
}

}  // namespace flyt::tests
