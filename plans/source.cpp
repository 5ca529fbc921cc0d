#include "plans/source.hpp"

#include <algorithm>
#include <utility>

#include "plans/step_graph.hpp"

namespace flyt {
namespace {

// A disk of two moments would be of none. "begun" stays, as the disks have been written to.
Status take_back_copies(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                        const Known& known, const Owner& owner) {
  StepRecord record{.machine = planned.migration_id, .epoch = owner.epoch, .plan = plan.digest};
  record.at = crew.now();
  ViewDetail next;
  for (const char* key : {"view", "last", view_dropped}) {
    const StepRecord* step = known.find(key);
    if (step == nullptr) continue;
    if (const auto detail = view_detail(step->detail)) {
      next.number = std::max(next.number, detail->number);
    }
  }
  ++next.number;
  for (const StepRecord& step : known.steps) {
    const auto kind = kind_of(step.step);
    if (!kind || *kind < StepKind::copy || *kind == StepKind::stop || *kind == StepKind::last) {
      continue;
    }
    record.step = step.step;
    record.detail = "{}";
    FLYT_TRY(crew.journal->intend(record));
  }
  // In this order: until all are taken back they are of one moment, whose view is still there.
  record.step = view_dropped;
  record.state = StepState::done;
  record.detail = detail_of(next);
  return crew.journal->finish(record);
}

}  // namespace

bool is_cut_over(const PlannedMachine& planned, const Driver& source) {
  return planned.source.power == Power::on && source.info().can_cut_over();
}

bool has_views(const PlannedMachine& planned, const Driver& source) {
  return planned.starts() && source.info().can.has(Capability::view);
}

bool Known::handed_over() const {
  return std::any_of(handing_over.begin(), handing_over.end(),
                     [this](std::string_view step) { return find(step) != nullptr; });
}

const StepRecord* Known::find(std::string_view key) const {
  const auto found = std::find_if(steps.begin(), steps.end(),
                                  [&](const StepRecord& one) { return one.step == key; });
  return found == steps.end() ? nullptr : &*found;
}

Result<Known> read_known(const PlannedMachine& planned, const Crew& crew) {
  FLYT_ASSIGN(auto steps, crew.journal->steps(planned.migration_id));
  return Known{std::move(steps)};
}

std::vector<std::string> views_left(const Known& known) {
  const StepRecord* clean = known.find("clean");
  if (clean != nullptr && clean->state == StepState::done) return {};
  std::vector<std::string> views;
  if (const StepRecord* view = known.find("view")) {
    const auto detail = view_detail(view->detail);
    // Begun and without an outcome: its name is the only one that flyt gives.
    const std::string name = detail ? detail->name : first_view;
    const StepRecord* last = known.find("last");
    const bool replaced =
        last != nullptr && last->state == StepState::done && view_detail(last->detail).has_value();
    const bool released = detail && detail->released;
    if (!name.empty() && !replaced && !released) views.push_back(name);
  }
  if (const StepRecord* last = known.find("last")) {
    // Done and without a view: none was needed.
    if (last->state != StepState::done || view_detail(last->detail)) views.emplace_back(last_view);
  }
  return views;
}

bool tracking_left(const PlannedMachine& planned, const Known& known) {
  const StepRecord* track = known.find("track");
  const StepRecord* clean = known.find("clean");
  if (track == nullptr || (clean != nullptr && clean->state == StepState::done)) return false;
  if (track->state != StepState::failed) return tracking_detail(track->detail) == false;
  // It was asked for, and may have come about after all.
  return !planned.source.hosting.change_tracking.value_or(false);
}

bool was_shut_down(const PlannedMachine& planned, const StepRecord* stop) {
  if (stop == nullptr) return false;
  if (stop->state != StepState::failed) return power_detail(stop->detail) == Power::on;
  // It was asked, and may have obeyed after all.
  return planned.source.power == Power::on;
}

Status drop_views(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                  const Known& known, const Owner& owner, const Call& call) {
  const auto views = views_left(known);
  if (views.empty() || !has_views(planned, *crew.source)) return ok();
  // What was started on the target is not copied over.
  if (!known.handed_over()) return forget_moment(planned, plan, crew, known, owner, call);
  for (const std::string& view : views) {
    FLYT_TRY(
        crew.source->drop_view({.machine = planned.source.id, .name = view, .owner = owner}, call));
  }
  FLYT_TRY(crew.journal->reset(planned.migration_id, "last", "undo"));
  return crew.journal->reset(planned.migration_id, "view", "undo");
}

Status forget_moment(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                     const Known& known, const Owner& owner, const Call& call) {
  FLYT_TRY(take_back_copies(planned, plan, crew, known, owner));
  // Both, whether they are known or not: the next one must be made, not found.
  for (const char* view : {last_view, first_view}) {
    if (!has_views(planned, *crew.source)) break;
    FLYT_TRY(
        crew.source->drop_view({.machine = planned.source.id, .name = view, .owner = owner}, call));
  }
  FLYT_TRY(crew.journal->reset(planned.migration_id, "last", "its view is dropped"));
  return crew.journal->reset(planned.migration_id, "view", "its view is dropped");
}

Status stop_tracking(const PlannedMachine& planned, const Crew& crew, const Call& call) {
  const auto off = crew.source->set_tracking(planned.source.id, false, call);
  // Removed on the source since, or never on: there is nothing to put right.
  const bool needless =
      !off && (off.error().code == Errc::not_found || off.error().code == Errc::unsupported);
  if (!off && !needless) return off.error();
  return crew.journal->reset(planned.migration_id, "track", "undo");
}

Status start_again(const PlannedMachine& planned, const Crew& crew, const Call& call) {
  const auto on = crew.source->set_power(planned.source.id, Driver::PowerChange::on, call);
  // Removed on the source since: there is nothing to put right.
  return !on && on.error().code == Errc::not_found ? ok() : on;
}

}  // namespace flyt
