#include "tests/faults/plans/scene.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/process.hpp"
#include "planners/planner.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"
#include "tests/faults/plans/fake_converter.hpp"
#include "tests/faults/plans/lands.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr const char* site_id = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11";

class WithoutViews final : public Driver {
 public:
  explicit WithoutViews(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}

  DriverInfo info() const override {
    DriverInfo info = driver_->info();
    info.can = {Capability::read};
    return info;
  }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return driver_->inventory(scope, call);
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return driver_->open(spec, call);
  }

 private:
  std::unique_ptr<Driver> driver_;
};

}  // namespace

std::string told(const Error& error) {
  return error.what + ": " + error.seen + " (" + error.why + ")";
}

bool cannot_run() { return !find_program("nbdkit") || !find_program("qemu-io"); }

std::unique_ptr<Driver> without_views(std::unique_ptr<Driver> driver) {
  return std::make_unique<WithoutViews>(std::move(driver));
}

Scene::Scene(bool convert) : folder(TempDir().path()) {
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
  write_plan();
}

Scene::Scene(std::filesystem::path made_there) : folder(std::move(made_there)) {
  set_site();
  auto read = read_plan(folder / "plan.json");
  if (!read) FAIL(told(read.error()));
  plan = *std::move(read);
}

void Scene::set_site() {
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

void Scene::make_plan_of(bool convert) {
  const auto source = open(from)->inventory({}, {});
  const auto target = open(to)->inventory({}, {});
  REQUIRE((source && target));
  PlanInput input{.site = &site, .source = &*source, .target = &*target};
  input.flyt_version = "test";
  input.source_can_cut_over = true;
  auto made = flyt::make_plan(input);
  REQUIRE(made);
  plan = *std::move(made);
  for (const Concern& one : plan.concerns) UNSCOPED_INFO(one.code << " " << one.text);
  REQUIRE(plan.machines.size() == 2);
  for (PlannedMachine& machine : plan.machines) machine.convert = convert;
}

std::unique_ptr<Driver> Scene::open(const memory::WorldFolder& world) {
  EndpointConfig config;
  config.name = config.driver = "memory";
  config.values["world"] = world.path();
  auto driver = memory::open(config, {});
  REQUIRE(driver);
  return *std::move(driver);
}

std::filesystem::path Scene::source_disk(std::size_t machine, std::size_t disk) const {
  const Machine& source = plan.machines.at(machine).source;
  return from.disk(source.id, source.disks.at(disk).id);
}

std::vector<Machine> Scene::made() const {
  const auto inventory = open(to)->inventory({}, {});
  REQUIRE(inventory);
  return inventory->machines;
}

void Scene::set_source_power(Power power) const {
  auto locked = from.lock({});
  REQUIRE(locked);
  for (Machine& machine : locked->world.ground.machines) machine.power = power;
  REQUIRE(locked->save());
}

Power Scene::source_power(std::size_t machine) const {
  const auto inventory = open(from)->inventory({plan.machines.at(machine).source.id, ""}, {});
  REQUIRE(inventory);
  return inventory->machines.front().power;
}

bool Scene::all_run() const {
  for (std::size_t i = 0; i < plan.machines.size(); ++i) {
    if (source_power(i) != Power::on) return false;
  }
  return true;
}

void Scene::guest_writes(std::size_t machine, const std::string& text) const {
  std::fstream disk(source_disk(machine, 0), std::ios::in | std::ios::out | std::ios::binary);
  disk.seekp(1 << 19);
  disk << text;
}

void Scene::guests_write(const std::string& text) const {
  for (std::size_t i = 0; i < plan.machines.size(); ++i) guest_writes(i, text);
}

void Scene::run_source() {
  set_source_power(Power::on);
  for (PlannedMachine& machine : plan.machines) machine.source.power = Power::on;
  write_plan();
}

void Scene::lands() const { std::ofstream(folder / "lands") << "yes"; }
bool Scene::does_land() const { return std::filesystem::exists(folder / "lands"); }

void Scene::only(std::size_t machine) {
  plan.machines = {plan.machines.at(machine)};
  for (Wave& wave : plan.waves) wave.machines = {plan.machines.front().migration_id};
  write_plan();
}

void Scene::write_plan() {
  plan.digest = plan_digest(plan);
  std::ofstream(folder / "plan.json") << plan_text(plan);
}

void Scene::check_landed() const {
  for (std::size_t i = 0; i < plan.machines.size(); ++i) CHECK(source_power(i) == Power::off);
  const auto machines = made();
  CHECK(machines.size() == plan.machines.size());
  for (const PlannedMachine& planned : plan.machines) {
    const auto is_its = [&](const Machine& one) {
      return one.migration_id == planned.migration_id;
    };
    REQUIRE(std::count_if(machines.begin(), machines.end(), is_its) == 1);
    const Machine& machine = *std::find_if(machines.begin(), machines.end(), is_its);
    CHECK(machine.power == Power::on);
    REQUIRE(machine.disks.size() == planned.source.disks.size());
    for (std::size_t i = 0; i < machine.disks.size(); ++i) {
      std::string wanted = content(from.disk(planned.source.id, planned.source.disks[i].id));
      REQUIRE(wanted.size() == planned.source.disks[i].size_bytes);
      if (planned.convert) std::fill_n(wanted.begin(), fake_change, fake_byte);
      const bool equal = content(to.disk(machine.id, machine.disks[i].id)) == wanted;
      INFO(planned.source.name << " disk " << i);
      CHECK(equal);
    }
  }
}

void Scene::check_source_clean() const {
  auto locked = from.lock({});
  REQUIRE(locked);
  for (const auto& inside : locked->world.inside) CHECK(inside.second.views.empty());
}

Worker::Worker(const Scene& scene)
    : source(Scene::open(scene.from)),
      target(scene.does_land() ? landing_target(scene) : Scene::open(scene.to)),
      converter(make_fake_converter()) {
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
          [] { return std::string("2026-11-24T12:00:00Z"); }};
}

std::vector<MachineOutcome> Worker::apply(const Scene& scene, const ApplyOptions& options,
                                          const Call& call) {
  auto outcomes = flyt::apply(scene.plan, scene.site, crew, options, status, call);
  if (!outcomes) FAIL(told(outcomes.error()));
  for (const MachineOutcome& one : *outcomes) {
    UNSCOPED_INFO(one.name << " " << to_string(one.state) << " "
                           << (one.error ? told(*one.error) : ""));
  }
  return *std::move(outcomes);
}

void Worker::undo_all(const Scene& scene) {
  const UndoOptions options{.target = true, .started = true};
  const auto undone = undo(scene.plan, crew, options, {});
  if (!undone) FAIL(told(undone.error()));
  CHECK(scene.made().empty());
  for (const PlannedMachine& planned : scene.plan.machines) {
    const auto steps = journal->steps(planned.migration_id);
    REQUIRE(steps);
    CHECK(steps->empty());
  }
}

bool all(const std::vector<MachineOutcome>& outcomes, MachineState state) {
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [&](const MachineOutcome& one) { return one.state == state; });
}

}  // namespace flyt::tests
