#include "plans/machine_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plans/moment.hpp"

namespace flyt {
namespace {

Result<std::string> act(MachineRun& run, const Step& step, const Call& call) {
  switch (step.kind) {
    case StepKind::check:
      return step_check(run, call);
    case StepKind::create:
      return step_create(run, call);
    case StepKind::track:
      return step_track(run, call);
    case StepKind::view:
      return step_view(run, call);
    case StepKind::copy:
      return step_copy(run, step.disk, call);
    case StepKind::rest:
      return step_rest(run, call);
    case StepKind::stop:
      return step_stop(run, call);
    case StepKind::last:
      return step_last(run, call);
    case StepKind::delta:
      return step_delta(run, step.disk, call);
    case StepKind::convert:
      return step_convert(run, call);
    case StepKind::commit:
      return step_commit(run, step.disk, call);
    case StepKind::land:
      return step_land(run, call);
    case StepKind::shape:
      return step_shape(run, call);
    case StepKind::bytes:
      return step_bytes(run, call);
    case StepKind::introduce:
      return step_introduce(run, call);
    case StepKind::boot:
      return step_boot(run, call);
    case StepKind::publish:
      return step_publish(run, call);
    case StepKind::ground:
      return step_ground(run, call);
    case StepKind::enrol:
      return step_enrol(run, call);
    case StepKind::clean:
      return step_clean(run, call);
  }
  return Error{Errc::internal, "a step that nobody knows"};
}

// What is looked up again in each process, whatever the journal says: who the target is, whether
// the world is still as planned, and how it runs now.
bool always(StepKind kind) {
  return kind == StepKind::check || kind == StepKind::create || kind == StepKind::view ||
         kind == StepKind::rest || kind == StepKind::last;
}

// What is done anew takes back what was done on the ground of it.
Status take_back_later(MachineRun& run, StepKind kind) {
  if (kind < StepKind::copy || kind > StepKind::shape) return ok();
  return take_back(run, static_cast<StepKind>(static_cast<unsigned>(kind) + 1));
}

// Verdicts are outcomes, not errors; a step that ended in FAIL is asked again by the next apply.
StepState state_of(const std::string& detail) {
  const auto verdicts = verdicts_detail(detail);
  if (!verdicts) return StepState::done;
  for (const Verdict& verdict : *verdicts) {
    if (verdict.answer == Answer::fail) return StepState::failed;
  }
  return StepState::done;
}

// A later plan may ask for more than an earlier one had done.
bool is_enrolled(const MachineRun& run, const StepRecord& record) {
  const auto before = enrolment_detail(record.detail);
  return !before || lacking(run.planned->after, *before).empty();
}

// Brings back what later steps and the report need of a step that an earlier process has done.
Status recall(MachineRun& run, const Step& step, const StepRecord& record) {
  if (step.kind == StepKind::convert) {
    FLYT_ASSIGN(run.conversion, conversion_detail(record.detail));
  }
  if (step.kind == StepKind::stop) run.source_was = power_detail(record.detail);
  return ok();
}

}  // namespace

MachineSpec MachineRun::spec() const {
  MachineSpec spec = planned->spec;
  spec.owner = owner();
  return spec;
}

std::filesystem::path MachineRun::manifest(std::size_t disk) const {
  return crew->state / "manifests" / planned->migration_id / fmt::format("{}.manifest", disk);
}

std::filesystem::path MachineRun::overlays() const {
  return crew->state / "overlays" / planned->migration_id;
}

bool MachineRun::handed_over() const {
  return std::any_of(handing_over.begin(), handing_over.end(),
                     [this](std::string_view step) { return intended(std::string(step)); });
}

const StepRecord* MachineRun::done(const std::string& step) const {
  const std::lock_guard lock(mutex);
  const auto found = journaled.find(step);
  return found != journaled.end() && found->second.state == StepState::done ? &found->second
                                                                            : nullptr;
}

bool MachineRun::intended(const std::string& step) const {
  const std::lock_guard lock(mutex);
  return journaled.contains(step);
}

std::string MachineRun::intent(const std::string& step) const {
  const std::lock_guard lock(mutex);
  const auto found = journaled.find(step);
  const bool begun = found != journaled.end() && found->second.state == StepState::intended;
  return begun ? found->second.detail : "{}";
}

StepRecord MachineRun::record(const std::string& step, StepState state, std::string detail) const {
  return {.machine = planned->migration_id,
          .step = step,
          .state = state,
          .epoch = owner().epoch,
          .plan = plan->digest,
          .at = crew->now(),
          .detail = std::move(detail)};
}

Status MachineRun::intend(const std::string& step, std::string detail) const {
  const auto door = [&](const char* when) {
    if (options != nullptr && options->at_step) options->at_step(fmt::format("{} {}", when, step));
  };
  door("before intent of");
  FLYT_TRY(crew->journal->intend(record(step, StepState::intended, std::move(detail))));
  door("after intent of");
  return ok();
}

Status MachineRun::finish(const std::string& step, StepState state, std::string detail) const {
  const auto door = [&](const char* when) {
    if (options != nullptr && options->at_step) options->at_step(fmt::format("{} {}", when, step));
  };
  door("before outcome of");
  FLYT_TRY(crew->journal->finish(record(step, state, std::move(detail))));
  door("after outcome of");
  return ok();
}

Status load_journal(MachineRun& run) {
  FLYT_ASSIGN(auto steps, run.crew->journal->steps(run.planned->migration_id));
  const std::lock_guard lock(run.mutex);
  run.journaled.clear();
  for (StepRecord& record : steps) {
    std::string step = record.step;
    run.journaled.emplace(std::move(step), std::move(record));
  }
  return ok();
}

Status run_step(MachineRun& run, const Step& step, const Call& call) {
  FLYT_TRY(proceed(call, step.key));
  const StepRecord* before = run.done(step.key);
  const bool again =
      before != nullptr && step.kind == StepKind::enrol && !is_enrolled(run, *before);
  if (before != nullptr && !always(step.kind) && !again) return recall(run, step, *before);
  run.status->machine(*run.planned, MachineState::running, step.key);
  // The first records of a machine are those of create: a check changes nothing.
  const bool journaled = step.kind != StepKind::check;
  const bool known = !again && run.done(step.key) != nullptr;
  if (hands_over(step.key) && !run.handed_over()) {
    // The intent alone counts as a start: nobody would start the source again.
    FLYT_TRY(check_source_last(run, call));
  }
  if (journaled && !known) {
    FLYT_TRY(run.intend(step.key, run.intent(step.key)));
    FLYT_TRY(take_back_later(run, step.kind));
  }
  auto detail = act(run, step, call);
  if (!detail) {
    Error error = std::move(detail).error();
    if (journaled && !known && error.code != Errc::cancelled) {
      // The step's own error matters more than one of writing it down.
      (void)run.finish(step.key, StepState::failed, detail_of(error));
    }
    return error;
  }
  if (!journaled || (known && run.done(step.key)->detail == *detail)) return ok();
  const StepState state = state_of(*detail);
  return run.finish(step.key, state, std::move(*detail));
}

}  // namespace flyt
