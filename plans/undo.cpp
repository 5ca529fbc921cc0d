// Putting sources right, and, when asked for, removing what was made on the target.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "plans/source.hpp"

namespace flyt {
namespace {

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
  if ((!known.handed_over() && !runs) || options.started) return {};
  if (known.find("publish") != nullptr) {
    return "it has been handed over to its users on the target: say --started to destroy it all "
           "the same";
  }
  return "it has been started on the target, and may hold newer data than the source: say "
         "--started to destroy it all the same";
}

// The machine goes first: records without a machine are found and refused by the next apply, a
// machine without records would be taken for one that was never written to.
Status undo_target(const PlannedMachine& planned, const Crew& crew, const Known& known,
                   const std::optional<Machine>& made, const Owner& owner, const Call& call) {
  // What keeps machines running would start it again: destroy() ends that first, and then it.
  const bool kept_running = crew.target->info().can.has(Capability::enrol);
  if (made && made->power != Power::off && !kept_running) {
    FLYT_TRY(crew.target->set_power(made->id, Driver::PowerChange::forced_off, call));
  }
  // Where the machine is gone, its disks may be left.
  const StepRecord* create = known.find("create");
  const std::string id = made ? made->id : create != nullptr ? machine_detail(create->detail) : "";
  if (!id.empty() || create != nullptr) FLYT_TRY(crew.target->destroy(id, owner, call));
  for (const char* folder : {"manifests", "overlays", "staged"}) {
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
    // That the source was shut down stays known until it runs again.
    if (step.step == "create" || step.step == "stop") continue;
    FLYT_TRY(crew.journal->reset(planned.migration_id, step.step, why));
  }
  return crew.journal->reset(planned.migration_id, "create", why);
}

struct Undoing {
  const PlannedMachine* planned = nullptr;
  Known known;
  std::vector<std::string> views;  // to drop
  bool tracked = false;            // by us
  bool stopped = false;            // the source was shut down, and has not landed
  std::optional<Machine> made;     // on the target
  bool on_target = false;          // something of it may be there
  std::string refused;

  // Neither flyt nor, as far as the target could be asked, anybody else has started its copy.
  bool copy_never_ran() const {
    return !known.handed_over() && !(made && made->power != Power::off);
  }
  // Its copy has never been started, or goes.
  bool may_start(const UndoOptions& options) const {
    return copy_never_ran() || (options.target && refused.empty());
  }
};

Result<Undoing> look(const PlannedMachine& planned, const Crew& crew, const UndoOptions& options,
                     const Call& call) {
  Undoing undoing;
  undoing.planned = &planned;
  FLYT_ASSIGN(undoing.known, read_known(planned, crew));
  if (has_views(planned, *crew.source)) undoing.views = views_left(undoing.known);
  undoing.tracked = tracking_left(planned, undoing.known);
  const StepRecord* clean = undoing.known.find("clean");
  const bool landed = clean != nullptr && clean->state == StepState::done;
  undoing.stopped =
      was_shut_down(planned, undoing.known.find("stop")) && (!landed || options.target);
  if (!undoing.stopped && !options.target) return undoing;
  auto made = made_on_target(planned, crew, call);
  // A target that does not answer must not keep the source off.
  if (!made && options.target) return std::move(made).error();
  if (made) undoing.made = *std::move(made);
  if (!options.target) return undoing;
  undoing.on_target = undoing.made || undoing.known.find("create") != nullptr;
  undoing.refused = refusal(undoing.known, undoing.made, options);
  return undoing;
}

std::string destroying(const Undoing& undoing, const Plan& plan) {
  if (!undoing.made) {
    return fmt::format("remove what is left of {} on {}", undoing.planned->spec.name, plan.target);
  }
  if (!undoing.made->bare.empty()) {
    return fmt::format("remove {} of {}", undoing.made->name, plan.target);
  }
  const std::size_t disks = undoing.made->disks.size();
  return fmt::format("destroy {} and its {} on {}", undoing.made->name,
                     disks == 1 ? "disk" : fmt::format("{} disks", disks), plan.target);
}

Status undo_held(const Undoing& undoing, const Plan& plan, const Crew& crew, const Owner& owner,
                 const UndoOptions& options, const Call& call) {
  const PlannedMachine& planned = *undoing.planned;
  // What cannot be dropped must not keep the source off.
  Status dropped = drop_views(planned, plan, crew, undoing.known, owner, call);
  if (undoing.tracked) FLYT_TRY(stop_tracking(planned, crew, call));
  const bool destroys = options.target && undoing.refused.empty();
  const bool destroyed = destroys && dropped;
  if (destroyed) {
    FLYT_TRY(undo_target(planned, crew, undoing.known, undoing.made, owner, call));
  }
  // Never beside its copy.
  if (undoing.stopped && (destroyed || undoing.copy_never_ran())) {
    FLYT_TRY(start_again(planned, crew, call));
    FLYT_TRY(crew.journal->reset(planned.migration_id, "stop", "undo: the source runs again"));
  } else if (destroyed && !undoing.stopped) {
    FLYT_TRY(crew.journal->reset(planned.migration_id, "stop", "undo: the target is destroyed"));
  }
  return dropped;
}

Status undo_machine(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                    const UndoOptions& options, const Call& call) {
  FLYT_ASSIGN(const auto steps, crew.journal->steps(planned.migration_id));
  if (steps.empty()) return ok();
  FLYT_ASSIGN(const auto lease,
              crew.journal->take(planned.migration_id, planned.source.name, plan.digest));
  // With the lease, since an apply may just have started the copy.
  FLYT_ASSIGN(const Undoing undoing, look(planned, crew, options, call));
  return undo_held(undoing, plan, crew, {planned.migration_id, lease->epoch()}, options, call);
}

}  // namespace

Result<std::vector<UndoAction>> undo_actions(const Plan& plan, const Crew& crew,
                                             const UndoOptions& options, const Call& call) {
  using enum UndoAction::Kind;
  std::vector<UndoAction> actions;
  for (const PlannedMachine& planned : plan.machines) {
    FLYT_ASSIGN(const Undoing undoing, look(planned, crew, options, call));
    const std::string& name = planned.source.name;
    for (const std::string& view : undoing.views) {
      actions.push_back({name, fmt::format("drop view {} of {}", view, name), "", drop_view});
    }
    if (undoing.tracked) {
      actions.push_back(
          {name, fmt::format("switch change tracking of {} off again", name), "", untrack});
    }
    if (undoing.on_target) {
      actions.push_back({name, destroying(undoing, plan), undoing.refused, destroy});
    }
    if (undoing.stopped) {
      const char* refused = undoing.may_start(options)
                                ? ""
                                : "its copy has been started on the target: say --target --started "
                                  "to destroy that first";
      actions.push_back(
          {name, fmt::format("start {} on {} again", name, plan.source), refused, start});
    }
  }
  return actions;
}

Status undo(const Plan& plan, const Crew& crew, const UndoOptions& options, const Call& call) {
  std::optional<Error> first;
  std::size_t failed = 0;
  for (const PlannedMachine& planned : plan.machines) {
    Status done = undo_machine(planned, plan, crew, options, call);
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
