#include "tests/vsphere/sweep/stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "drivers/memory/memory.hpp"
#include "planners/planner.hpp"
#include "tests/vsphere/sweep/play.hpp"

namespace flyt::tests {
namespace {

constexpr const char* description = R"({"machines":[
  {"name":"cold","host":"DC0_H0","disks":[{"sizeMiB":3,"fillMiB":2,"seed":1},{"sizeMiB":2,"fillMiB":1,"seed":2}]},
  {"name":"busy","host":"DC0_H0","powerState":"poweredOn","shutdownSeconds":0.1,
   "disks":[{"sizeMiB":3,"fillMiB":2,"seed":3},{"sizeMiB":2,"fillMiB":1,"seed":4}]},
  {"name":"warm","host":"DC0_H0","powerState":"poweredOn","shutdownSeconds":0.1,"changeTracking":true,
   "disks":[{"sizeMiB":4,"fillMiB":3,"seed":5}]}]})";

Plan make_plan_of(const Site& site, Driver& source, const std::string& machine,
                  const Inventory& target) {
  auto found = source.inventory({}, {});
  if (!found) throw std::runtime_error("the lab's inventory: " + found.error().what);
  found->endpoint = site.from;
  PlanInput input{.site = &site, .source = &*found, .target = &target, .select = {machine}};
  input.flyt_version = "test";
  input.source_can_cut_over = input.source_can_track = true;
  auto plan = make_plan(input);
  if (!plan || plan->machines.size() != 1) throw std::runtime_error("no plan for " + machine);
  return *std::move(plan);
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {.name = "off, by ranges", .machine = "cold", .transport = "auto"},
      {.name = "off, by leases", .machine = "cold", .transport = "nfc"},
      {.name = "running, by ranges",
       .machine = "busy",
       .transport = "auto",
       .runs = true,
       .track = true},
      {.name = "running, by leases",
       .machine = "busy",
       .transport = "nfc",
       .runs = true,
       .track = true},
      {.name = "kept warm",
       .machine = "warm",
       .transport = "auto",
       .runs = true,
       .warm_first = true}};
  return all;
}

Result<std::unique_ptr<Stage>> Stage::open() {
  std::unique_ptr<Stage> stage(new Stage);
  FLYT_TRY(stage->start());
  return stage;
}

Status Stage::start() {
  FLYT_ASSIGN(lab_, VsphereLab::start(description, {"-task-delay", "10ms", "-lease-delay", "5ms"}));
  plans_.clear();
  return ok();
}

const Plan& Stage::plan_of(const Scenario& scenario) {
  const auto known = plans_.find(scenario.name);
  if (known != plans_.end()) return known->second;
  const Site site = site_of(*lab_, scenario, {});
  const auto driver = open_source(site);
  const Inventory target = target_world().ground;
  return plans_[scenario.name] = make_plan_of(site, *driver, scenario.machine, target);
}

Seen Stage::rehearse(const Scenario& scenario) {
  Play play(*this, scenario, {.name = "no trouble"});
  const auto wrong = play.run(Ending::resume);
  if (!wrong.empty()) {
    throw std::runtime_error(
        fmt::format("{}, without any trouble: {}", scenario.name, fmt::join(wrong, "; ")));
  }
  return play.seen();
}

Stage::Played Stage::play(const Scenario& scenario, const Trouble& trouble, Ending ending) {
  Played played;
  try {
    Play play(*this, scenario, trouble);
    played.wrong = play.run(ending);
    played.happened = play.happened();
  } catch (const std::exception& error) {
    played.wrong.push_back(fmt::format("the test broke off: {}", error.what()));
  }
  // Whatever was left must not spoil what comes next.
  if (!played.wrong.empty()) {
    if (const auto again = start(); !again) throw std::runtime_error(again.error().what);
  }
  return played;
}

}  // namespace flyt::tests
