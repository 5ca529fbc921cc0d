// Putting sources right, and, when asked for, removing what was made on the target.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "plans/executor.hpp"
#include "plans/step_detail.hpp"

namespace flyt {
namespace {

struct Known {
  std::vector<StepRecord> steps;
  const StepRecord* find(std::string_view key) const {
    const auto found = std::find_if(steps.begin(), steps.end(),
                                    [&](const StepRecord& one) { return one.step == key; });
    return found == steps.end() ? nullptr : &*found;
  }
};

// The view that may still be there: made, or begun to be made, and not dropped.
std::string view_left(const Known& known) {
  const StepRecord* clean = known.find("clean");
  const StepRecord* view = known.find("view");
  if (view == nullptr || (clean != nullptr && clean->state == StepState::done)) return {};
  const auto detail = view_detail(view->detail);
  // Begun and without an outcome: its name is the only one that flyt gives.
  return detail ? detail->name : "flyt-1";
}

Result<std::optional<Machine>> made_on_target(const PlannedMachine& planned, const Crew& crew,
                                              const Call& call) {
  FLYT_ASSIGN(const Inventory made,
              crew.target->inventory({.migration_id = planned.migration_id}, call));
  if (made.machines.empty()) return std::optional<Machine>();
  return std::optional<Machine>(made.machines.front());
}

std::string refusal(const Known& known, const std::optional<Machine>& made,
                    const UndoOptions& options) {
  if (made && known.find("create") == nullptr) {
    return "this journal knows nothing of it: it was made with another state folder";
  }
  const bool runs = made && made->power != Power::off;
  if ((known.find("boot") == nullptr && !runs) || options.started) return {};
  return "it has been started on the target, and may hold newer data than the source: say "
         "--started to destroy it all the same";
}

// What was copied of this view is of no use to the next one: a guest that ran on has changed since,
// and a disk of both moments would be of none. "begun" stays, as the disks have been written to.
Status take_back_copies(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                        const Known& known, const Owner& owner) {
  StepRecord record{.machine = planned.migration_id, .epoch = owner.epoch, .plan = plan.digest};
  record.at = crew.now();
  ViewDetail next;
  for (const char* key : {"view", view_dropped}) {
    const StepRecord* step = known.find(key);
    if (step == nullptr) continue;
    if (const auto detail = view_detail(step->detail)) {
      next.number = std::max(next.number, detail->number);
    }
  }
  ++next.number;
  record.step = view_dropped;
  record.state = StepState::done;
  record.detail = detail_of(next);
  FLYT_TRY(crew.journal->finish(record));
  for (const StepRecord& step : known.steps) {
    if (step.step == "create" || step.step == "view" || step.step == view_dropped) continue;
    record.step = step.step;
    record.detail = "{}";
    FLYT_TRY(crew.journal->intend(record));
  }
  return ok();
}

Status undo_source(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                   const Known& known, const Owner& owner, const Call& call) {
  const std::string view = view_left(known);
  if (view.empty() || !crew.source->info().can.has(Capability::view)) return ok();
  const StepRecord* bytes = known.find("bytes");
  if (bytes == nullptr || bytes->state != StepState::done) {
    FLYT_TRY(take_back_copies(planned, plan, crew, known, owner));
  }
  FLYT_TRY(
      crew.source->drop_view({.machine = planned.source.id, .name = view, .owner = owner}, call));
  return crew.journal->reset(planned.migration_id, "view", "undo");
}

// The machine goes first: records without a machine are found and refused by the next apply, a
// machine without records would be taken for one that was never written to.
Status undo_target(const PlannedMachine& planned, const Crew& crew, const Known& known,
                   const std::optional<Machine>& made, const Owner& owner, const Call& call) {
  if (made && made->power != Power::off) {
    FLYT_TRY(crew.target->set_power(made->id, Driver::PowerChange::forced_off, call));
  }
  // Where the machine is gone, its disks may be left.
  const StepRecord* create = known.find("create");
  const std::string id = made ? made->id : create != nullptr ? machine_detail(create->detail) : "";
  if (!id.empty() || create != nullptr) FLYT_TRY(crew.target->destroy(id, owner, call));
  for (const char* folder : {"manifests", "overlays"}) {
    std::error_code error;
    std::filesystem::remove_all(crew.state / folder / planned.migration_id, error);
    if (error) {
      return Error{.code = Errc::unavailable,
                   .what = fmt::format("cannot remove {}", (crew.state / folder).native()),
                   .seen = error.message()};
    }
  }
  // "create" last: while it is there, what is left of the records is not taken for those of a
  // machine that the next apply makes.
  const char* why = "undo: the target is destroyed";
  FLYT_ASSIGN(const auto steps, crew.journal->steps(planned.migration_id));
  for (const StepRecord& step : steps) {
    if (step.step == "create") continue;
    FLYT_TRY(crew.journal->reset(planned.migration_id, step.step, why));
  }
  return crew.journal->reset(planned.migration_id, "create", why);
}

struct Undoing {
  const PlannedMachine* planned = nullptr;
  Known known;
  std::string view;             // to drop; empty: none
  std::optional<Machine> made;  // on the target
  bool on_target = false;       // something of it may be there
  std::string refused;
};

Result<Undoing> look(const PlannedMachine& planned, const Crew& crew, const UndoOptions& options,
                     const Call& call) {
  Undoing undoing;
  undoing.planned = &planned;
  FLYT_ASSIGN(undoing.known.steps, crew.journal->steps(planned.migration_id));
  if (crew.source->info().can.has(Capability::view)) undoing.view = view_left(undoing.known);
  if (!options.target) return undoing;
  FLYT_ASSIGN(undoing.made, made_on_target(planned, crew, call));
  undoing.on_target = undoing.made || undoing.known.find("create") != nullptr;
  undoing.refused = refusal(undoing.known, undoing.made, options);
  return undoing;
}

std::string destroying(const Undoing& undoing, const Plan& plan) {
  if (!undoing.made) {
    return fmt::format("remove what is left of {} on {}", undoing.planned->spec.name, plan.target);
  }
  const std::size_t disks = undoing.made->disks.size();
  return fmt::format("destroy {} and its {} on {}", undoing.made->name,
                     disks == 1 ? "disk" : fmt::format("{} disks", disks), plan.target);
}

Status undo_machine(const Undoing& undoing, const Plan& plan, const Crew& crew,
                    const UndoOptions& options, const Call& call) {
  if (undoing.known.steps.empty()) return ok();
  const PlannedMachine& planned = *undoing.planned;
  FLYT_ASSIGN(const auto lease,
              crew.journal->take(planned.migration_id, planned.source.name, plan.digest));
  const Owner owner{planned.migration_id, lease->epoch()};
  FLYT_TRY(undo_source(planned, plan, crew, undoing.known, owner, call));
  if (!options.target || !undoing.refused.empty()) return ok();
  return undo_target(planned, crew, undoing.known, undoing.made, owner, call);
}

}  // namespace

Result<std::vector<UndoAction>> undo_actions(const Plan& plan, const Crew& crew,
                                             const UndoOptions& options, const Call& call) {
  std::vector<UndoAction> actions;
  for (const PlannedMachine& planned : plan.machines) {
    FLYT_ASSIGN(const Undoing undoing, look(planned, crew, options, call));
    const std::string& name = planned.source.name;
    if (!undoing.view.empty()) {
      actions.push_back({name, fmt::format("drop view {} of {}", undoing.view, name), ""});
    }
    if (undoing.on_target) actions.push_back({name, destroying(undoing, plan), undoing.refused});
  }
  return actions;
}

Status undo(const Plan& plan, const Crew& crew, const UndoOptions& options, const Call& call) {
  std::optional<Error> first;
  std::size_t failed = 0;
  for (const PlannedMachine& planned : plan.machines) {
    Status done = ok();
    auto undoing = look(planned, crew, options, call);
    done = undoing ? undo_machine(*undoing, plan, crew, options, call)
                   : Status(std::move(undoing).error());
    if (done) continue;
    ++failed;
    if (!first) first = std::move(done).error().within(planned.source.name);
  }
  if (!first) return ok();
  first->state = fmt::format("{} of {} machines are undone; the same command goes on",
                             plan.machines.size() - failed, plan.machines.size());
  return *std::move(first);
}

}  // namespace flyt
