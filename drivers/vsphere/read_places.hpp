// How many disks are read at once from one ESXi host and from one datastore.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/channel.hpp"
#include "base/progress.hpp"

namespace flyt::vsphere {

// Disks at once. Two sources: pve-esxi-import-tools never has more than four requests out at a host
// (its changelog, 0.5.0), and vSphere itself moves eight disks at once off one datastore (vSphere
// documentation, "Limits on Simultaneous Migrations").
struct ReadLimits {
  unsigned per_host = 4, per_datastore = 8;
};

// Where a disk is read: references of the host that runs its machine and of its datastore. One that
// is empty is not counted.
struct ReadPoint {
  std::string host, datastore;
  bool operator==(const ReadPoint&) const = default;
};

// The places of one endpoint in this process. Thread-safe.
//
// Order: who asks first is served first. A later one passes an earlier one only where it takes
// nothing from it: at each of its two points there must be a place left for everybody before it.
//
// No deadlock: a place is at a host and at a datastore, and both are taken at once or none is. A
// thread that holds a place never waits for another, but gets it at once, beyond the limit. So
// whoever waits here holds nothing, and what it waits for is held by threads that do not wait here:
// they read, and end or fail by their own deadlines. (A machine's disks are copied by a thread
// each, so that this is for whoever opens two at once; to let a machine go on that holds one, in
// whatever thread, would lift the limit for machines of many disks.)
class ReadPlaces {
 public:
  // REQUIRES: neither limit is 0.
  explicit ReadPlaces(ReadLimits limits);

  // Given back when it is destroyed, in any thread, also after the ReadPlaces.
  class Place {
   public:
    Place() = default;
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) noexcept = default;

    bool is_at(const ReadPoint& point) const;
    bool had_to_wait() const;

   private:
    friend class ReadPlaces;
    struct Held;
    std::shared_ptr<Held> held_;
  };

  // Waits, in the order of the calls, and notes that it does. Errors: cancelled, timed_out; `what`
  // begins them.
  Result<Place> take(const ReadPoint& point, std::string_view what, const Call& call,
                     ProgressSink* progress = nullptr);

  std::size_t waiting() const;  // calls of take()

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The same channel, which gives the place back when it has been closed, or is destroyed.
std::unique_ptr<Channel> with_place(std::unique_ptr<Channel> channel, ReadPlaces::Place place);

}  // namespace flyt::vsphere
