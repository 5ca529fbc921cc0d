// The first start of a guest that takes its drivers itself: on SATA, which it knows, beside the
// controllers that it is to know. A system starts from a disk only by a driver that it has used
// before, or been given by a conversion.
#include <fmt/format.h>

#include "plans/machine_run.hpp"
#include "plans/moment.hpp"

namespace flyt {
namespace {

Status shape(MachineRun& run, bool on_sata, bool plugged, const Call& call) {
  MachineSpec spec = run.spec();
  spec.first_start = on_sata;
  spec.plugged = plugged;
  FLYT_ASSIGN(run.target, run.crew->target->update_machine(run.target.id, spec, call));
  return ok();
}

// Whether it did before the time was over. A machine that is off will not.
Result<bool> agent_answers(const MachineRun& run, const Call& call) {
  const Call patient = call.within(run.planned->boot_timeout);
  for (;;) {
    const auto seen = run.crew->target->observe(run.target.id, patient);
    if (seen && seen->agent.value_or(false)) return true;
    if (seen && seen->power == Power::off) return false;
    if (!seen && (seen.error().code == Errc::not_found || seen.error().code == Errc::denied)) {
      return seen.error();
    }
    const auto waited = wait(between_looks, patient, "the machine's first start");
    if (!waited && waited.error().code == Errc::cancelled) return waited.error();
    if (!waited) break;
  }
  FLYT_TRY(proceed(call, "the machine's first start"));
  return false;
}

// Its agent comes with the drivers, and is reached by one of them. It is asked once more after the
// time for the others: installing them, a guest may have started anew.
Result<bool> takes_drivers(const MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const bool first, agent_answers(run, call));
  if (!first) return false;
  run.status->machine(*run.planned, MachineState::running, "its guest takes its drivers");
  FLYT_TRY(wait(run.planned->introduce, call, "the machine's first start"));
  return agent_answers(run, call);
}

Error does_not_stop(const MachineRun& run, Error cause) {
  if (cause.code == Errc::cancelled) return cause;
  const std::string& name = run.planned->spec.name;
  Error error = std::move(cause).within("the copy does not shut down after its first start");
  error.state =
      fmt::format("{} runs on {}, on SATA and unplugged from its networks", name, run.plan->target);
  error.remedy.insert(
      error.remedy.begin(),
      fmt::format("look at its screen on {}, and shut it down from inside", run.plan->target));
  return error;
}

// Unplugged, since it is started for its drivers' sake alone: nobody is to work with it yet. One
// that runs was started so before.
Status start_on_sata(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const Observation now, run.crew->target->observe(run.target.id, call));
  if (now.power != Power::off) return ok();
  FLYT_TRY(shape(run, true, false, call));
  return run.crew->target->set_power(run.target.id, Driver::PowerChange::on, call);
}

}  // namespace

Result<std::string> step_introduce(MachineRun& run, const Call& call) {
  FLYT_TRY(check_source_off(run, call));
  bool knows = false;
  if (const StepRecord* before = run.done(first_start_over)) {
    knows = first_start_detail(before->detail);
  } else {
    run.status->machine(*run.planned, MachineState::running, "its first start, on SATA");
    FLYT_TRY(start_on_sata(run, call));
    FLYT_ASSIGN(knows, takes_drivers(run, call));
    FLYT_TRY(run.finish(first_start_over, StepState::done, detail_of_first_start(knows)));
  }
  run.status->machine(*run.planned, MachineState::running,
                      "shutting it down after its first start");
  // Never by force: it may be installing something.
  Status off = run.crew->target->set_power(run.target.id, Driver::PowerChange::off,
                                           call.within(shutdown_patience));
  if (!off) return does_not_stop(run, std::move(off).error());
  FLYT_TRY(shape(run, !knows, true, call));
  return detail_of_first_start(knows);
}

}  // namespace flyt
