#include "plans/executor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/process.hpp"
#include "drivers/decorators/fault.hpp"
#include "drivers/memory/memory.hpp"
#include "planners/planner.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"
#include "tests/faults/plans/fake_converter.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr const char* site_id = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11";

class Quiet final : public ApplyStatus {
 public:
  ProgressSink& step(const PlannedMachine&, std::string_view) override { return sink_; }

 private:
  ProgressSink sink_;
};

std::string told(const Error& error) {
  return error.what + ": " + error.seen + " (" + error.why + ")";
}

// Two worlds, a site and a plan in a folder; any process can open them.
struct Scene {
  std::filesystem::path folder;
  memory::WorldFolder from{folder / "source"}, to{folder / "target"};
  Site site;
  Plan plan;

  explicit Scene(bool convert = false) : folder(tests::TempDir().path()) {
    set_site();
    memory::World source = memory::empty_world("source-platform");
    memory::add_machine(source, "web01", {{3 * mib + 512, 11}, {2 * mib, 12}});
    memory::add_machine(source, "db01", {{mib + 1024, 13}});
    memory::World target = memory::empty_world("target-platform");
    for (Host& host : target.ground.hosts) host.memory_bytes = 64 * 1024 * mib;
    for (Storage& storage : target.ground.storages) storage.free_bytes = 1024 * mib;
    REQUIRE(from.write(source));
    REQUIRE(to.write(target));
    make_plan_of(convert);
    std::ofstream(folder / "plan.json") << plan_text(plan);
  }

  // The one that another process has made there.
  explicit Scene(std::filesystem::path made) : folder(std::move(made)) {
    set_site();
    auto read = read_plan(folder / "plan.json");
    if (!read) FAIL(told(read.error()));
    plan = *std::move(read);
  }

  void set_site() {
    site.id = site_id;
    site.name = "test";
    site.state = folder / "state";
    site.from = "old";
    site.to = "new";
    for (const char* name : {"old", "new"}) {
      site.endpoints[name].name = name;
      site.endpoints[name].driver = "memory";
    }
    site.mappings[""].networks["*"] = {"lan", {}};
    site.mappings[""].storages["*"] = "storage1";
    site.defaults.convert = Convert::none;
  }

  void make_plan_of(bool convert) {
    const auto source = open(from)->inventory({}, {});
    const auto target = open(to)->inventory({}, {});
    REQUIRE((source && target));
    PlanInput input{.site = &site, .source = &*source, .target = &*target};
    input.flyt_version = "test";
    input.source_can_view = true;
    auto made = flyt::make_plan(input);
    REQUIRE(made);
    plan = *std::move(made);
    for (const Concern& one : plan.concerns) UNSCOPED_INFO(one.code << " " << one.text);
    REQUIRE(plan.machines.size() == 2);
    for (PlannedMachine& machine : plan.machines) machine.convert = convert;
    plan.digest = plan_digest(plan);
  }

  static std::unique_ptr<Driver> open(const memory::WorldFolder& world) {
    EndpointConfig config;
    config.name = config.driver = "memory";
    config.values["world"] = world.path();
    auto driver = memory::open(config, {});
    REQUIRE(driver);
    return *std::move(driver);
  }
};

// What one process works with.
struct Worker {
  std::unique_ptr<Driver> source, target;
  std::unique_ptr<Mover> mover = make_mover();
  std::unique_ptr<Converter> converter = tests::make_fake_converter();
  std::unique_ptr<Verifier> verifier = make_verifier();
  std::unique_ptr<Journal> journal;
  Crew crew;
  Quiet status;

  explicit Worker(const Scene& scene)
      : source(Scene::open(scene.from)), target(Scene::open(scene.to)) {
    auto opened = open_journal(scene.site.state, scene.site.id);
    REQUIRE(opened);
    journal = *std::move(opened);
    crew = {source.get(),
            target.get(),
            mover.get(),
            converter.get(),
            verifier.get(),
            journal.get(),
            scene.site.state,
            {},
            {},
            false,
            [] { return std::string("2026-11-24T12:00:00Z"); }};
  }

  std::vector<MachineOutcome> apply(const Scene& scene, const ApplyOptions& options = {},
                                    const Call& call = {}) {
    auto outcomes = flyt::apply(scene.plan, scene.site, crew, options, status, call);
    if (!outcomes) FAIL(told(outcomes.error()));
    for (const MachineOutcome& one : *outcomes) {
      UNSCOPED_INFO(one.name << " " << to_string(one.state) << " "
                             << (one.error ? told(*one.error) : ""));
    }
    return *std::move(outcomes);
  }
};

bool all(const std::vector<MachineOutcome>& outcomes, MachineState state) {
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [&](const MachineOutcome& one) { return one.state == state; });
}

std::vector<Machine> made(const Scene& scene) {
  const auto inventory = Scene::open(scene.to)->inventory({}, {});
  REQUIRE(inventory);
  return inventory->machines;
}

// Exactly one machine for each migration, and its disks read as the source's, or as converted.
void check_landed(const Scene& scene) {
  const auto machines = made(scene);
  CHECK(machines.size() == scene.plan.machines.size());
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto is_its = [&](const Machine& one) {
      return one.migration_id == planned.migration_id;
    };
    REQUIRE(std::count_if(machines.begin(), machines.end(), is_its) == 1);
    const Machine& machine = *std::find_if(machines.begin(), machines.end(), is_its);
    CHECK(machine.power == Power::on);
    REQUIRE(machine.disks.size() == planned.source.disks.size());
    for (std::size_t i = 0; i < machine.disks.size(); ++i) {
      std::string wanted =
          tests::content(scene.from.disk(planned.source.id, planned.source.disks[i].id));
      REQUIRE(wanted.size() == planned.source.disks[i].size_bytes);
      if (planned.convert) std::fill_n(wanted.begin(), tests::fake_change, tests::fake_byte);
      const bool equal = tests::content(scene.to.disk(machine.id, machine.disks[i].id)) == wanted;
      INFO(planned.source.name << " disk " << i);
      CHECK(equal);
    }
  }
}

// Nothing of flyt is left on the source.
void check_source_clean(const Scene& scene) {
  auto locked = scene.from.lock({});
  REQUIRE(locked);
  for (const auto& inside : locked->world.inside) CHECK(inside.second.views.empty());
}

// Applies in a process of its own, which kills itself at the `kill_at`th door; 0: never. Its exit
// status.
int apply_in_child(const Scene& scene, int kill_at) {
  const auto done = run({{"/proc/self/exe", "[.executor-child]"},
                         {{"FLYT_TEST_SCENE", scene.folder.native()},
                          {"FLYT_TEST_KILL_AT", std::to_string(kill_at)}}},
                        Call{}.within(std::chrono::minutes(5)));
  if (!done) FAIL(told(done.error()));
  if (done->status != 0) UNSCOPED_INFO(done->output);
  return done->status;
}

bool killed(int status) { return status == 128 + SIGKILL; }

bool cannot_run() { return !find_program("nbdkit") || !find_program("qemu-io"); }

void undo_all(const Scene& scene, Worker& worker) {
  const UndoOptions options{.target = true, .started = true};
  const auto undone = undo(scene.plan, worker.crew, options, {});
  if (!undone) FAIL(told(undone.error()));
  CHECK(made(scene).empty());
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto steps = worker.journal->steps(planned.migration_id);
    REQUIRE(steps);
    CHECK(steps->empty());
  }
}

}  // namespace

// Run as a program of its own by the tests below.
TEST_CASE("executor: a process that applies and may kill itself", "[.executor-child]") {
  const char* folder = std::getenv("FLYT_TEST_SCENE");
  const char* kill_at = std::getenv("FLYT_TEST_KILL_AT");
  if (folder == nullptr || kill_at == nullptr) return;
  const int door = std::atoi(kill_at);
  const Scene scene{std::filesystem::path(folder)};
  std::atomic<int> doors{0};
  ApplyOptions options;
  options.at_step = [&](std::string_view) {
    if (++doors == door) ::kill(::getpid(), SIGKILL);
  };
  Worker worker(scene);
  CHECK(all(worker.apply(scene, options), MachineState::landed));
}

TEST_CASE("a plan with two machines lands, byte by byte", "[faults][executor]") {
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
  check_landed(scene);
  check_source_clean(scene);
  CHECK(all(worker.apply(scene), MachineState::landed));  // once more does nothing
  check_landed(scene);
  undo_all(scene, worker);
}

TEST_CASE("kill -9 at every write of the journal is survived", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(true);
  for (int door = 1;; ++door) {
    INFO("door " << door);
    REQUIRE(door < 400);
    const int first = apply_in_child(scene, door);
    if (!killed(first)) {
      CHECK(first == 0);
      check_landed(scene);
      CHECK(door > 40);  // it did come by all of them
      break;
    }
    REQUIRE(apply_in_child(scene, 0) == 0);
    check_landed(scene);
    check_source_clean(scene);
    Worker worker(scene);
    undo_all(scene, worker);
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
  check_landed(scene);
  check_source_clean(scene);
}

TEST_CASE("a stop at any step leaves what the next apply goes on from", "[faults][executor]") {
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
    check_landed(scene);
    check_source_clean(scene);
    undo_all(scene, worker);
  }
}

TEST_CASE("a machine that fails leaves the others to land", "[faults][executor]") {
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
  check_landed(scene);
  check_source_clean(scene);
}

TEST_CASE("after an undo of the source, all is copied from the new view", "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene;
  Worker worker(scene);
  ApplyOptions options;
  options.until = "copied";
  REQUIRE(all(worker.apply(scene, options), MachineState::copied));
  REQUIRE(undo(scene.plan, worker.crew, {}, {}));
  check_source_clean(scene);
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto disk = scene.from.disk(planned.source.id, planned.source.disks[0].id);
    std::fstream(disk, std::ios::in | std::ios::out | std::ios::binary) << "the guest ran on";
  }
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  check_landed(scene);
}

TEST_CASE("a source disk of another size is drift, and nothing is written", "[faults][executor]") {
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
  CHECK(made(scene).empty());
}

}  // namespace flyt
