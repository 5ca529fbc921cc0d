// A view of a machine that runs grows on the source's storage: it must not fill that.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "plans/machine_run.hpp"

namespace flyt {

// Nothing: the storages of the source's disks have the room that the site wants kept (Limits), or
// do not tell.
std::optional<Error> no_room_for_view(const MachineRun& run, const Machine& source,
                                      const std::vector<Storage>& storages);

// While it lives, asks the source now and then, and stops what runs under call() when a storage has
// too little room. Asks nobody unless the view is of a machine that ran.
class RoomWatch {
 public:
  // Both must outlive it.
  RoomWatch(MachineRun& run, const Call& call);
  RoomWatch(const RoomWatch&) = delete;
  RoomWatch& operator=(const RoomWatch&) = delete;
  ~RoomWatch();

  // Stopped when the caller's is, too.
  const Call& call() const { return call_; }
  // Why it has stopped what runs. MachineRun::view_must_go is then set.
  std::optional<Error> shortage() const;

 private:
  void watch(const std::stop_token& over);

  MachineRun& run_;
  std::stop_source stop_;
  Call call_;
  std::optional<std::stop_callback<std::function<void()>>> passed_on_;
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  std::optional<Error> shortage_;
  std::jthread thread_;
};

}  // namespace flyt
