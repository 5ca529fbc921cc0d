// What is read from the source: its view, change tracking, and a newer view in place of an older
// one.
#include <fmt/format.h>

#include "base/units.hpp"
#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/room_watch.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

bool all_copied(const MachineRun& run) {
  for (std::size_t i = 0; i < run.planned->source.disks.size(); ++i) {
    if (run.done(fmt::format("copy:{}", i)) == nullptr) return false;
  }
  return true;
}

// A view that has grown for too long is not gone on with.
bool is_stale(const MachineRun& run) {
  const StepRecord* view = run.done("view");
  if (view == nullptr || run.view.name.empty() || run.source.power != Power::on) return false;
  const auto made = parse_utc(view->at), now = parse_utc(run.crew->now());
  return made && now && *now - *made > limits_of_source(run).view_max_age;
}

// Copies of a machine that went on running are brought up to date, so that little is left to do
// when it is shut down.
bool wants_newer(const MachineRun& run) {
  return run.options->until != Until::copied && run.source.power == Power::on &&
         is_cut_over(*run.planned, *run.crew->source) && !run.handed_over() && all_copied(run);
}

Status check_room(MachineRun& run) {
  auto shortage = no_room_for_view(run, run.source, run.storages);
  if (!shortage) return ok();
  shortage->state = "what was copied is kept; no snapshot of ours stays";
  run.view_must_go = true;
  return *std::move(shortage);
}

Status drop_stale_last(MachineRun& run, const Call& call) {
  FLYT_TRY(drop_source_view(run, last_view, call));
  FLYT_TRY(run.crew->journal->reset(run.planned->migration_id, "last", "it was of another moment"));
  const std::lock_guard lock(run.mutex);
  run.journaled.erase("last");
  return ok();
}

// A newer moment of which no disk is copied yet.
Status begin_newer(MachineRun& run, const ViewDetail& before, const std::string& why) {
  // What is on the target is whole, and only tracked changes are between the two.
  if (all_copied(run) && before.identity != run.view.identity && !run.intended("commit:0")) {
    run.view.base = before.number;
    run.view.since = before.changes;
  }
  run.status->machine(*run.planned, MachineState::running, why);
  // In this order: a crash in between finds the moment outdated once more.
  FLYT_TRY(take_back(run, StepKind::copy));
  ++run.view.number;
  return ok();
}

}  // namespace

Result<ViewDetail> make_source_view(const MachineRun& run, const std::string& name,
                                    const Call& call) {
  FLYT_ASSIGN(const View view,
              run.crew->source->make_view(
                  {.machine = run.planned->source.id, .name = name, .owner = run.owner()}, call));
  ViewDetail detail{.name = name, .identity = view.identity};
  detail.of_running = view.got != Consistency::off;
  detail.changes.resize(run.planned->source.disks.size());
  for (const ViewDisk& disk : view.disks) {
    if (!disk.left_out.empty() && view.got == Consistency::off) {
      // A disk of a machine that is off stays as it is, which is looked after.
      detail.outside.push_back(disk.disk);
    } else if (!disk.left_out.empty()) {
      return Error{.code = Errc::unsupported,
                   .what = fmt::format("disk {} is not in the view", disk.disk),
                   .seen = disk.left_out,
                   .state = "nothing was copied",
                   .remedy = {"shut the machine down and plan again"}};
    }
    for (std::size_t i = 0; i < detail.changes.size(); ++i) {
      if (run.planned->source.disks[i].id == disk.disk) detail.changes[i] = disk.change_id;
    }
  }
  return detail;
}

Status drop_source_view(const MachineRun& run, const std::string& name, const Call& call) {
  return run.crew->source->drop_view(
      {.machine = run.planned->source.id, .name = name, .owner = run.owner()}, call);
}

Result<std::string> step_track(MachineRun& run, const Call& call) {
  // Begun before, it may be on because of us.
  const Machine& seen = run.intended("track") ? run.planned->source : run.source;
  const bool was =
      tracking_detail(run.intent("track")).value_or(seen.hosting.change_tracking.value_or(false));
  if (was) return detail_of_tracking(true);
  // From here on it may be on because of us.
  FLYT_TRY(run.intend("track", detail_of_tracking(false)));
  const auto on = run.crew->source->set_tracking(run.planned->source.id, true, call);
  if (!on && on.error().code != Errc::unsupported) return on.error();
  if (!on) {
    run.status->machine(
        *run.planned, MachineState::running,
        fmt::format("changes are not tracked ({}): all will be read again", on.error().what));
  }
  return detail_of_tracking(false);
}

Result<std::string> step_view(MachineRun& run, const Call& call) {
  const KnownMoment before = moment_before(run);
  run.view = before.detail;
  // After the bytes are proven nothing is read from the source any more.
  if (run.done("bytes") != nullptr) return detail_of(run.view);
  // Another one is in its place, or comes there.
  if (run.intended("last") && !before.first) return detail_of(run.view);
  const bool newer = !before.first && (before.detail.released || wants_newer(run) || is_stale(run));
  if (before.detail.released) {
    // From here on there may be one again.
    run.view.released = false;
    FLYT_TRY(run.finish("view", StepState::done, detail_of(run.view)));
  }
  run.view = {};
  if (has_views(*run.planned, *run.crew->source)) {
    // One that could not be dropped when its copies were taken back.
    if (run.intended("last")) FLYT_TRY(drop_stale_last(run, call));
    // Where a platform can only read what lies below its last snapshot, all of it lies there again.
    if (newer) FLYT_TRY(drop_source_view(run, first_view, call));
    if (run.source.power == Power::on) FLYT_TRY(check_room(run));
    FLYT_ASSIGN(run.view, make_source_view(run, first_view, call));
  }
  run.view.number = before.detail.number;
  run.view.base = before.detail.base;
  run.view.since = before.detail.since;
  run.view.stamps = stamps_of(run.source, run.view);
  // The older ones, if any, tell more.
  const bool same = !run.view.name.empty() && run.view.identity == before.detail.identity;
  if (same && !before.detail.stamps.empty()) run.view.stamps = before.detail.stamps;
  if (before.first || run.handed_over()) return detail_of(run.view);
  if (newer) {
    FLYT_TRY(begin_newer(run, before.detail, "its copies are brought up to date"));
  } else if (const auto why = outdated(run, before.detail, run.view); !why.empty()) {
    FLYT_TRY(begin_newer(run, before.detail, why + ": comparing all again"));
  }
  return detail_of(run.view);
}

// The copies are whole: what comes later is found by what was tracked, or by comparing all.
Result<std::string> step_rest(MachineRun& run, const Call& call) {
  FLYT_TRY(drop_source_view(run, first_view, call));
  run.view.released = true;
  FLYT_TRY(run.finish("view", StepState::done, detail_of(run.view)));
  return std::string("{}");
}

}  // namespace flyt
