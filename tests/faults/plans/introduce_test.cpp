// Guests that take their drivers themselves: at a first start on SATA.
#include <algorithm>

#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"

namespace flyt::tests {
namespace {

void plan_in_guest(Scene& scene) {
  for (PlannedMachine& planned : scene.plan.machines) {
    planned.introduce = std::chrono::seconds(1);
    planned.boot_timeout = std::chrono::seconds(2);
    for (DiskSpec& disk : planned.spec.disks) disk.bus = Bus::virtio_scsi;
  }
  scene.write_plan();
}

void made_will_be(const Scene& scene, bool agent, bool deaf) {
  auto world = scene.to.lock({});
  REQUIRE(world);
  world->world.habits.created.agent = agent;
  world->world.habits.created.deaf = deaf;
  REQUIRE(world->save());
}

void hears_again(const Scene& scene) {
  auto world = scene.to.lock({});
  REQUIRE(world);
  for (auto& [machine, inside] : world->world.inside) inside.deaf = false;
  REQUIRE(world->save());
}

bool all_on(const Scene& scene, Bus bus) {
  for (const Machine& machine : scene.made()) {
    for (const Disk& disk : machine.disks) {
      if (disk.bus != bus) return false;
    }
  }
  return true;
}

// A target that notes the bus of the first disk when its machine is switched on.
struct Noting {
  std::vector<Bus> buses = {};
  std::unique_ptr<Driver> target = {};

  Noting(const Scene& scene, Worker& worker) {
    target = with_faults(Scene::open(scene.to), [this, &scene](std::string_view method) {
      if (method != "set_power") return Fault{};
      for (const Machine& machine : scene.made()) {
        if (machine.power == Power::off) buses.push_back(machine.disks.front().bus);
      }
      return Fault{};
    });
    worker.crew.target = target.get();
  }
};

}  // namespace

TEST_CASE("a guest is started on SATA, shut down, and started on what it got to know",
          "[faults][introduce]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  plan_in_guest(scene);
  Worker worker(scene);
  Noting starts(scene, worker);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::landed));
  CHECK(starts.buses == std::vector{Bus::sata, Bus::virtio_scsi});
  CHECK(all_on(scene, Bus::virtio_scsi));
  const auto& record = outcomes.front().record;
  CHECK(std::find(record.begin(), record.end(),
                  "started on SATA first: its agent answered, and it has virtio since") !=
        record.end());
  scene.check_landed();
  // Nothing is started a second time.
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  CHECK(starts.buses.size() == 2);
  worker.crew.target = worker.target.get();
  worker.undo_all(scene);
}

TEST_CASE("a guest whose agent never answers stays on SATA, and the report says so",
          "[faults][introduce]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  plan_in_guest(scene);
  made_will_be(scene, false, false);
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  CHECK(all_on(scene, Bus::sata));
  const auto& verdicts = outcomes.front().verdicts;
  const auto boot = std::find_if(verdicts.begin(), verdicts.end(),
                                 [](const Verdict& one) { return one.question == Question::boot; });
  REQUIRE(boot != verdicts.end());
  CHECK(boot->why.find("stay on SATA") != std::string::npos);
}

TEST_CASE("a guest that does not shut down is never switched off, and the next apply goes on",
          "[faults][introduce]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(0);
  scene.run_source();
  plan_in_guest(scene);
  made_will_be(scene, true, true);
  Worker worker(scene);
  Noting starts(scene, worker);
  const auto outcomes = worker.apply(scene);
  REQUIRE(outcomes.front().error);
  const Error& error = *outcomes.front().error;
  CHECK(error.what.find("does not shut down after its first start") != std::string::npos);
  CHECK(error.state.find("on SATA and unplugged") != std::string::npos);
  CHECK(error.state.find("is off on") != std::string::npos);
  CHECK_FALSE(scene.all_run());  // its copy may be started: the source stays off
  CHECK(scene.made().front().power == Power::on);
  CHECK(all_on(scene, Bus::sata));

  hears_again(scene);
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  CHECK(starts.buses == std::vector{Bus::sata, Bus::virtio_scsi});
  scene.check_landed();
}

TEST_CASE("kill -9 at every write of the journal is survived where guests take their drivers",
          "[faults][introduce]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.only(1);
  plan_in_guest(scene);
  kill_at_third_doors(scene, 25, [&] { CHECK(all_on(scene, Bus::virtio_scsi)); });
}

}  // namespace flyt::tests
