#include "plans/room_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"

namespace flyt {
namespace {

bool holds_a_disk(const Machine& machine, const Storage& storage) {
  return std::any_of(machine.disks.begin(), machine.disks.end(),
                     [&](const Disk& disk) { return disk.storage == storage.id; });
}

bool is_short(const Storage& storage, unsigned least_percent) {
  if (!storage.size_bytes || !storage.free_bytes) return false;
  // Divided first: sizes of storages times a hundred may not fit.
  return *storage.free_bytes / 100 < *storage.size_bytes / 100 * least_percent / 100;
}

}  // namespace

std::optional<Error> no_room_for_view(const MachineRun& run, const Machine& source,
                                      const std::vector<Storage>& storages) {
  const unsigned least = limits_of_source(run).view_min_free;
  for (const Storage& storage : storages) {
    if (!holds_a_disk(source, storage) || !is_short(storage, least)) continue;
    return Error{
        .code = Errc::unavailable,
        .what = fmt::format("{} on the source has too little room for a snapshot", storage.name),
        .seen = fmt::format("{} free of {}", format_size(*storage.free_bytes),
                            format_size(*storage.size_bytes)),
        .why = fmt::format("the machine runs, and its snapshot grows; the site wants {} % kept",
                           least),
        .remedy = {fmt::format("make room on {}, or shut {} down first", storage.name,
                               run.planned->source.name),
                   "limits = { view_min_free = PERCENT } of the source changes what is kept"}};
  }
  return std::nullopt;
}

RoomWatch::RoomWatch(MachineRun& run, const Call& call) : run_(run), call_(call) {
  if (!run.view.of_running) return;
  call_.stop = stop_.get_token();
  passed_on_.emplace(call.stop, [this] { stop_.request_stop(); });
  thread_ = std::jthread([this](const std::stop_token& over) { watch(over); });
}

RoomWatch::~RoomWatch() = default;

std::optional<Error> RoomWatch::shortage() const {
  const std::lock_guard lock(mutex_);
  return shortage_;
}

void RoomWatch::watch(const std::stop_token& over) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, over, run_.options->room_interval, [] { return false; });
    }
    if (over.stop_requested() || call_.stop.stop_requested()) return;
    // What cannot be asked now is asked again; the copy itself will tell when the source is gone.
    const auto source = run_.crew->source->inventory({.machine = run_.planned->source.id}, call_);
    if (!source) continue;
    auto shortage = no_room_for_view(run_, source->machines.front(), source->storages);
    if (!shortage) continue;
    shortage->state = "the copy was given up and the snapshot is removed; what was copied is kept";
    {
      const std::lock_guard lock(run_.mutex);
      run_.view_must_go = true;
    }
    const std::lock_guard lock(mutex_);
    shortage_ = std::move(shortage);
    stop_.request_stop();
    return;
  }
}

}  // namespace flyt
