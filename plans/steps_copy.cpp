// Moving bytes: copies, the conversion in its overlay, and committing it.
#include <fmt/format.h>

#include "base/durable_file.hpp"
#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/room_watch.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

OpenSpec target_disk(const MachineRun& run, std::size_t disk, Use use) {
  return {.machine = run.target.id,
          .disk = run.target.disks[disk].id,
          .use = use,
          .owner = run.owner()};
}

// Closes both, whatever became of the work; the first error counts.
template <typename T>
Result<T> closed(Result<T> work, std::initializer_list<Channel*> channels) {
  // Without the caller's stop: a channel that was written must be closed in any case.
  const Call call = Call{}.within(std::chrono::minutes(5));
  for (Channel* channel : channels) {
    auto status = channel->close(call);
    if (!status && work) work = std::move(status).error();
  }
  return work;
}

// Of a commit that broke off.
Error torn(Error error) {
  if (error.state.empty() && is_transient(error.code)) {
    error.state =
        "the conversion is kept, and the same command writes it again; the source and the "
        "records of its copy are untouched";
  }
  return error;
}

}  // namespace

Error handed_over_before(const MachineRun& run) {
  if (!run.planned->starts()) {
    return {.code = Errc::exists,
            .what = "it has been handed over to its users on the target",
            .why = "what they made of it since would be lost",
            .state = "nothing was written",
            .remedy = {fmt::format("flyt undo {} --target --started", run.planned->source.name)}};
  }
  return {.code = Errc::exists,
          .what = "the machine has been started on the target",
          .why = "its disks have changed since; to write to them again would lose that",
          .state = "nothing was written",
          .remedy = {fmt::format("flyt undo {} --target --started", run.planned->source.name)}};
}

Limits limits_of_source(const MachineRun& run) {
  const auto found = run.site->endpoints.find(run.plan->source);
  return found == run.site->endpoints.end() ? Limits{} : found->second.limits;
}

CopyTuning tuning_of(const MachineRun& run) {
  const auto found = run.site->endpoints.find(run.plan->target);
  CopyTuning tuning;
  if (found != run.site->endpoints.end()) tuning.loops = found->second.limits.connections;
  const unsigned at_source = limits_of_source(run).connections;
  if (at_source != 0 && (tuning.loops == 0 || at_source < tuning.loops)) tuning.loops = at_source;
  tuning.source_rate = run.crew->source_rate;
  tuning.target_rate = run.crew->target_rate;
  return tuning;
}

namespace {

struct Sync {
  CopyMode mode = CopyMode::full;
  ViewNumber base = 0;  // tracked
  std::string since;    // tracked
  bool fresh = false;   // nobody has ever written to the target's disk
};

// Only what differs from what is there is sent: found by what the platform tracked since the view
// `base`, whose change ids these are, or else by comparing all.
Sync since(ViewNumber base, const std::vector<std::string>& changes, std::size_t disk) {
  if (base == 0 || disk >= changes.size() || changes[disk].empty()) {
    return {.mode = CopyMode::digest};
  }
  return {.mode = CopyMode::tracked, .base = base, .since = changes[disk]};
}

// Makes the target's disk equal to the source's view.
Result<std::string> sync_disk(MachineRun& run, std::size_t disk, const Sync& sync,
                              const std::string& key, const Call& callers) {
  const RoomWatch watch(run, callers);
  const Call& call = watch.call();
  const auto manifest = run.manifest(disk);
  FLYT_TRY(make_private_folder(manifest.parent_path()));
  const std::string& id = run.planned->source.disks[disk].id;
  ProgressSink& progress = run.status->step(*run.planned, key);
  auto opened = run.crew->source->open({.machine = run.planned->source.id,
                                        .disk = id,
                                        .view = run.view.holds(id) ? run.view.name : "",
                                        .since = sync.since,
                                        .owner = run.owner(),
                                        .progress = &progress},
                                       call);
  // It may have waited for its turn until there was no room any more.
  if (auto shortage = watch.shortage(); !opened && shortage) return *std::move(shortage);
  if (!opened) return std::move(opened).error();
  const std::unique_ptr<Channel> source = *std::move(opened);
  FLYT_ASSIGN(auto target, run.crew->target->open(target_disk(run, disk, Use::write), call));
  auto copied = closed(run.crew->mover->copy({.source = source.get(),
                                              .target = target.get(),
                                              .manifest = manifest,
                                              .view = run.view.number,
                                              .mode = sync.mode,
                                              .base = sync.base,
                                              .distrust = run.options->distrust_tracking,
                                              .fresh_target = sync.fresh,
                                              .tuning = tuning_of(run),
                                              .progress = &progress},
                                             call),
                       {target.get(), source.get()});
  if (auto shortage = watch.shortage()) return *std::move(shortage);
  if (!copied) return within(fmt::format("disk {}", disk), std::move(copied)).error();
  FLYT_TRY(check_unchanged(run, callers));
  CopyDetail detail{to_hex(copied->root),  copied->length,     copied->read_bytes,
                    copied->written_bytes, copied->kept_bytes, copied->distrusted,
                    run.view.number,       copied->left_out,   copied->wrong_map};
  return detail_of(detail);
}

}  // namespace

Result<std::string> step_copy(MachineRun& run, std::size_t disk, const Call& call) {
  if (run.handed_over()) return handed_over_before(run);
  const std::string key = fmt::format("copy:{}", disk);
  Sync sync{.mode = CopyMode::full};
  // An earlier try may have written without a record of it.
  sync.fresh = !run.intended(key);
  if (run.view.number != 1) sync = since(run.view.base, run.view.since, disk);
  return sync_disk(run, disk, sync, key, call);
}

// What has changed between the view that was copied and the last one.
Result<std::string> step_delta(MachineRun& run, std::size_t disk, const Call& call) {
  if (run.view.name != last_view) return std::string("{}");
  if (run.handed_over()) return handed_over_before(run);
  return sync_disk(run, disk, since(run.copied.number, run.copied.changes, disk),
                   fmt::format("delta:{}", disk), call);
}

Result<std::string> step_convert(MachineRun& run, const Call& call) {
  if (run.handed_over()) return handed_over_before(run);
  std::vector<std::unique_ptr<Channel>> bases;
  std::vector<Channel*> open;
  for (std::size_t i = 0; i < run.target.disks.size(); ++i) {
    FLYT_ASSIGN(auto base, run.crew->target->open(target_disk(run, i, Use::read), call));
    open.push_back(base.get());
    bases.push_back(std::move(base));
  }
  FLYT_TRY(make_private_folder(run.crew->state / "overlays"));
  auto converted =
      run.crew->converter->convert({.source = run.planned->source,
                                    .bases = open,
                                    .folder = run.overlays(),
                                    .kvm = run.crew->target->info().kvm,
                                    .progress = &run.status->step(*run.planned, "convert")},
                                   call);
  for (Channel* base : open) converted = closed(std::move(converted), {base});
  if (!converted) return within("conversion", std::move(converted)).error();
  run.conversion = *std::move(converted);
  return detail_of(run.conversion);
}

Result<std::string> step_commit(MachineRun& run, std::size_t disk, const Call& call) {
  if (run.handed_over()) return handed_over_before(run);
  if (disk >= run.conversion.disks.size()) {
    return Error{Errc::internal, fmt::format("the conversion knows no disk {}", disk)};
  }
  const ConvertedDisk& converted = run.conversion.disks[disk];
  // From here on the target differs from the manifest's source records; the intent says so.
  FLYT_ASSIGN(auto base, run.crew->target->open(target_disk(run, disk, Use::read), call));
  FLYT_ASSIGN(auto overlay, run.crew->converter->open_overlay(converted, *base, call));
  FLYT_ASSIGN(auto target, run.crew->target->open(target_disk(run, disk, Use::write), call));
  const std::string key = fmt::format("commit:{}", disk);
  auto committed =
      closed(run.crew->mover->commit({.overlay = overlay.get(),
                                      .target = target.get(),
                                      .changed = converted.changed,
                                      .manifest = run.manifest(disk),
                                      .tuning = tuning_of(run),
                                      .progress = &run.status->step(*run.planned, key)},
                                     call),
             {target.get(), overlay.get(), base.get()});
  if (!committed) return torn(std::move(committed).error().within(fmt::format("disk {}", disk)));
  return detail_of(CommitDetail{to_hex(committed->root), committed->changed_bytes,
                                committed->changed_blocks, committed->outside_equal});
}

}  // namespace flyt
