// The cutover: the source stops, and what it has written since the copies is copied too.
#include <fmt/format.h>

#include <utility>

#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

// `runs`: it was seen to.
Error does_not_stop(const MachineRun& run, bool runs, Error cause) {
  const std::string& name = run.planned->source.name;
  Error error = std::move(cause).within("it does not shut down");
  // A platform that refuses has not asked the guest, as far as that is known.
  const bool refused = error.code == Errc::unsupported || error.code == Errc::denied;
  error.state =
      fmt::format("{} {} on {}{}; nothing of its copy is lost", name, runs ? "runs" : "may run",
                  run.plan->source, refused ? "" : ", was asked to shut down and may still do so");
  error.remedy.insert(error.remedy.begin(),
                      fmt::format("shut {} down from inside, then apply the plan again", name));
  return error;
}

// Whether the machine may have written after its copies were begun.
bool has_moved_on(const MachineRun& run) {
  return run.view.of_running || run.source_was == Power::on;
}

// An earlier process has asked it to shut down, and did not live to say what came of it.
bool asked_before(const MachineRun& run) {
  const std::lock_guard lock(run.mutex);
  const auto stop = run.journaled.find("stop");
  return stop != run.journaled.end() && was_shut_down(*run.planned, &stop->second);
}

// Shuts it down where it runs; how it was before.
Result<Power> shut_down(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const auto now, source_if_there(run, call));
  if (!now) return Power::off;
  if (now->power == Power::off) return asked_before(run) ? Power::on : Power::off;
  // From here on it may be off because of us.
  FLYT_TRY(run.intend("stop", detail_of_power(Power::on)));
  run.status->machine(*run.planned, MachineState::running, "shutting the source down");
  auto off = run.crew->source->set_power(run.planned->source.id, Driver::PowerChange::off,
                                         call.within(shutdown_patience));
  if (off) return Power::on;
  if (off.error().code == Errc::cancelled) return off.error();
  // What a call past its deadline has done is known by looking: a guest may obey in that moment.
  const auto seen = source_if_there(run, call);
  if (seen && *seen && (*seen)->power == Power::off) return Power::on;
  return does_not_stop(run, seen && *seen, std::move(off).error());
}

}  // namespace

Result<std::string> step_stop(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(run.source_was, shut_down(run, call));
  return detail_of_power(run.source_was);
}

// In place of the view that the copies were made of: where a platform can only read what lies below
// its last snapshot, all of it lies there again.
Result<std::string> step_last(MachineRun& run, const Call& call) {
  const StepRecord* before = run.done("last");
  const auto known = before != nullptr ? view_detail(before->detail) : ViewDetail{};
  if (run.done("bytes") != nullptr) {
    if (known && !known->name.empty()) run.view = *known;
    return before != nullptr ? before->detail : "{}";
  }
  if (!has_moved_on(run)) return std::string("{}");
  FLYT_ASSIGN(const Machine now, source_now(run, call));
  FLYT_TRY(check_off(run, now));
  FLYT_TRY(drop_source_view(run, first_view, call));
  // One that an earlier cutover could not drop is of another moment.
  if (before == nullptr) FLYT_TRY(drop_source_view(run, last_view, call));
  ViewDetail last;
  FLYT_ASSIGN(last, make_source_view(run, last_view, call));
  last.number = run.view.number + 1;
  last.stamps = stamps_of(now, last);
  if (known && !known->name.empty()) {
    last.number = known->number;
    if (known->identity == last.identity) {
      last.stamps = known->stamps;
    } else {
      FLYT_TRY(take_back(run, StepKind::delta));
      ++last.number;
    }
  }
  run.copied = std::exchange(run.view, std::move(last));
  return detail_of(run.view);
}

}  // namespace flyt
