#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "planners/concerns.hpp"
#include "planners/draft.hpp"
#include "planners/estimate.hpp"
#include "planners/planner.hpp"
#include "planners/select.hpp"

namespace flyt {
namespace {

Plan begin_plan(const PlanInput& input) {
  Plan plan;
  plan.flyt_version = input.flyt_version;
  plan.site_id = input.site->id;
  plan.site_name = input.site->name;
  plan.site_digest = input.site->digest;
  plan.source = input.source->endpoint;
  plan.target = input.target->endpoint;
  plan.source_platform_id = input.source->platform_id;
  plan.target_platform_id = input.target->platform_id;
  plan.inventory_digest = input.inventory_digest;
  plan.ground = input.ground;
  return plan;
}

// True when the target breaks the policy.
bool judge_ground(const PlanInput& input, Plan& plan) {
  bool broken = false;
  for (const Verdict& verdict : input.ground) {
    const std::string text = fmt::format("{} {} of {}: {}", to_string(verdict.question),
                                         to_string(verdict.answer), plan.target, verdict.why);
    if (verdict.answer == Answer::fail) {
      broken = true;
      plan.concerns.push_back(concern("P-GROUND", {}, text));
    } else if (verdict.answer == Answer::unverified) {
      plan.concerns.push_back(concern("P-GROUND-UNVERIFIED", {}, text));
    }
  }
  return broken;
}

// A uuid that two machines share would give both the same migration id, and one of them the disks
// of the other. The twin need not be selected: an earlier plan may have moved it.
void find_twins(const PlanInput& input, std::vector<Draft>& drafts) {
  std::map<std::string, std::vector<const Machine*>> by_uuid;
  for (const Machine& machine : input.source->machines) {
    if (!machine.uuid.empty()) by_uuid[machine.uuid].push_back(&machine);
  }
  for (Draft& draft : drafts) {
    const Machine& source = draft.machine.source;
    const auto same = by_uuid.find(source.uuid);
    if (same == by_uuid.end() || same->second.size() < 2) continue;
    const Machine* twin = same->second.front();
    if (twin->id == source.id) twin = same->second.back();
    draft.concerns.push_back(concern(
        "M-UUID", source.name, fmt::format("{} ({}) has the same uuid", twin->name, twin->id)));
  }
}

// A name that is mistyped must not be passed over: its machine would be moved without its settings.
// Where the site has other sources, a name that is like none here is taken for a machine of theirs.
void judge_settings(const PlanInput& input, Plan& plan) {
  const bool others = std::any_of(
      input.site->endpoints.begin(), input.site->endpoints.end(), [&plan](const auto& endpoint) {
        return endpoint.first != plan.source && endpoint.first != plan.target;
      });
  std::vector<std::string_view> names;
  for (const Machine& machine : input.source->machines) names.push_back(machine.name);
  std::sort(names.begin(), names.end());
  for (const auto& entry : input.site->machines) {
    if (std::binary_search(names.begin(), names.end(), entry.first)) continue;
    std::string text =
        fmt::format("[machines.\"{}\"] is no machine of {}", entry.first, plan.source);
    const auto near = nearest(entry.first, names);
    if (near.empty() && others) continue;
    if (!near.empty()) text += fmt::format("; did you mean {}?", near);
    plan.concerns.push_back(concern("P-SETTINGS", {}, std::move(text)));
  }
}

void judge_waves(const PlanInput& input, Plan& plan) {
  std::set<unsigned> waves;
  for (const PlannedMachine& planned : plan.machines) {
    const auto own = input.site->machines.find(planned.source.name);
    const bool says = own != input.site->machines.end() && own->second.wave;
    waves.insert(says ? *own->second.wave : 0);
  }
  if (waves.size() < 2) return;
  plan.concerns.push_back(concern("P-WAVES", {},
                                  fmt::format("the site has its machines in {} waves, this plan in "
                                              "one",
                                              waves.size()),
                                  "plan one wave at a time: flyt plan --select NAMES"));
}

// Moves the machines that can be planned, and the concerns of all, into the plan.
void take_over(const PlanInput& input, std::vector<Draft> drafts, bool allowed, Plan& plan) {
  TargetRoom room(*input.target);
  for (Draft& draft : drafts) {
    if (draft.machine.source.unreadable.empty()) check_room(input, draft, room);
    std::stable_sort(draft.concerns.begin(), draft.concerns.end(),
                     [](const Concern& a, const Concern& b) { return a.severity > b.severity; });
    plan.concerns.insert(plan.concerns.end(), draft.concerns.begin(), draft.concerns.end());
    if (draft.blocked() || !allowed) continue;
    draft.machine.facts = facts_of(input, draft.machine);
    plan.machines.push_back(std::move(draft.machine));
  }
  if (const std::uint64_t missing = room.memory_missing(); missing != 0) {
    plan.concerns.push_back(
        concern("T-MEMORY-SUM", {},
                fmt::format("{} more memory than {} has free is needed to start all",
                            format_size(missing), plan.target)));
  }
}

}  // namespace

Result<Plan> make_plan(const PlanInput& input) {
  FLYT_ASSIGN(const auto selected, select(*input.source, input.select));
  FLYT_ASSIGN(const auto volumes, select_volumes(*input.source, input.select));
  Plan plan = begin_plan(input);
  const bool allowed = !judge_ground(input, plan);
  if (selected.empty() && volumes.empty()) {
    plan.concerns.push_back(
        concern("P-EMPTY", {}, fmt::format("no machine of {} is selected", plan.source)));
  }
  if (!plan.source_platform_id.empty() && plan.source_platform_id == plan.target_platform_id) {
    plan.concerns.push_back(
        concern("P-SAME-PLATFORM", {},
                fmt::format("{} and {} are the same platform", plan.source, plan.target)));
  }
  judge_settings(input, plan);
  std::vector<Draft> drafts;
  drafts.reserve(selected.size() + volumes.size());
  for (const Machine* machine : selected) drafts.push_back(draft_machine(input, *machine));
  for (const Volume* volume : volumes) drafts.push_back(draft_volume(input, *volume));
  find_twins(input, drafts);
  take_over(input, std::move(drafts), allowed, plan);
  judge_waves(input, plan);
  if (!plan.machines.empty()) {
    Wave wave{.name = "wave 1"};
    for (const PlannedMachine& machine : plan.machines)
      wave.machines.push_back(machine.migration_id);
    plan.waves.push_back(std::move(wave));
  }
  plan.estimate = estimate(plan.machines, input.target->storages);
  return plan;
}

}  // namespace flyt
