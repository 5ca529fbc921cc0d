// Where a machine reads only what was landed: that it is the last thing that was written.
#include <algorithm>
#include <fstream>

#include "base/durable_file.hpp"
#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"
#include "tests/faults/plans/child.hpp"
#include "tests/faults/plans/lands.hpp"

namespace flyt::tests {
namespace {

std::string content(const std::filesystem::path& file) {
  auto read = read_file(file, 64U << 20);
  REQUIRE(read);
  return *std::move(read);
}

// What its machine reads is what was written to it, in the end.
void check_landed_disks(const Scene& scene) {
  const auto machines = scene.made();
  REQUIRE(machines.size() == scene.plan.machines.size());
  for (const Machine& machine : machines) {
    for (const Disk& disk : machine.disks) {
      const bool equal = content(landed_file(scene, machine.id, disk.id)) ==
                         content(scene.to.disk(machine.id, disk.id));
      INFO(machine.name << " " << disk.id);
      CHECK(equal);
    }
  }
}

const Verdict& bytes_of(const MachineOutcome& outcome) {
  const auto found =
      std::find_if(outcome.verdicts.begin(), outcome.verdicts.end(),
                   [](const Verdict& one) { return one.question == Question::bytes; });
  REQUIRE(found != outcome.verdicts.end());
  return *found;
}

std::size_t boots_refused(Worker& worker, const Scene& scene) {
  auto refuses = with_faults(landing_target(scene), [](std::string_view method) {
    return Fault{method == "set_power" ? Fault::Kind::before : Fault::Kind::none};
  });
  worker.crew.target = refuses.get();
  const auto outcomes = worker.apply(scene);
  worker.crew.target = worker.target.get();
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [](const MachineOutcome& one) { return one.state == MachineState::failed; }));
}

}  // namespace

TEST_CASE("what was landed is not called read back", "[faults][land]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(GENERATE(false, true));
  scene.lands();
  Worker worker(scene);
  const auto outcomes = worker.apply(scene);
  REQUIRE(all(outcomes, MachineState::landed));
  for (const MachineOutcome& one : outcomes) {
    const Verdict& bytes = bytes_of(one);
    CHECK(bytes.answer == Answer::unverified);
    CHECK(bytes.why.find("was not read back") != std::string::npos);
    CHECK(std::any_of(one.record.begin(), one.record.end(), [](const std::string& line) {
      return line.find("not read back from there") != std::string::npos;
    }));
  }
  scene.check_landed();
  check_landed_disks(scene);
  CHECK_FALSE(std::filesystem::exists(
      staged_folder(scene.site.state, scene.plan.machines[0].migration_id)));
  worker.undo_all(scene);
}

TEST_CASE("kill -9 at every write of the journal is survived where disks are landed",
          "[faults][land]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene(true);
  scene.only(1);
  scene.lands();
  kill_at_third_doors(scene, 30, [&] { check_landed_disks(scene); });
}

TEST_CASE("what is copied once more is landed once more", "[faults][land]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.lands();
  const auto source = without_views(Scene::open(scene.from));
  const ApplyOptions options;
  {
    Worker worker(scene);
    worker.crew.source = source.get();
    // The intent of a start is a start: nothing is written after it. So it ends before that.
    std::stop_source stop;
    ApplyOptions until_shape;
    until_shape.at_step = [&stop](std::string_view where) {
      if (where == "after outcome of land") stop.request_stop();
    };
    (void)worker.apply(scene, until_shape, Call{stop.get_token()});
    for (const Machine& machine : scene.made()) CHECK(machine.power == Power::off);
  }
  scene.guests_write("it ran once more");
  Worker worker(scene);
  worker.crew.source = source.get();
  REQUIRE(all(worker.apply(scene, options), MachineState::landed));
  scene.check_landed();
  check_landed_disks(scene);
}

TEST_CASE("nothing is landed once a start was begun", "[faults][land]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  Scene scene;
  scene.lands();
  Worker worker(scene);
  CHECK(boots_refused(worker, scene) == scene.plan.machines.size());
  for (const PlannedMachine& planned : scene.plan.machines) {
    REQUIRE(worker.journal->reset(planned.migration_id, "land", "a test"));
  }
  const auto outcomes = worker.apply(scene);
  for (const MachineOutcome& one : outcomes) {
    REQUIRE(one.error);
    CHECK(one.error->what == "the machine has been started on the target");
  }
}

}  // namespace flyt::tests
