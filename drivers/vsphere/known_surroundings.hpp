// Surroundings for whoever looks at one machine after the other: read once for many looks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "drivers/vsphere/surroundings.hpp"

namespace flyt::vsphere {

// Thread-safe. What may be how old:
// - datastores, by whose kind a way to read is chosen, and by whose free space a copy is given up
//   before a snapshot fills one: never older than the call;
// - all else up to `oldest`: names, folders, networks and their VLANs, hosts, rules and custom
//   attributes, none of which changes what is read or written. A machine that refers to what is not
//   known here is looked at with renew().
class KnownSurroundings {
 public:
  explicit KnownSurroundings(std::chrono::seconds oldest = std::chrono::minutes(10))
      : oldest_(oldest) {}

  struct Recent {
    Surroundings around;
    bool renewed = false;
  };
  // Those of an earlier call with its datastores read anew, or renew().
  Result<Recent> recent(Session& session, const Call& call);
  // All read now, and kept.
  Result<Surroundings> renew(Session& session, const Call& call);

 private:
  using Clock = std::chrono::steady_clock;

  const std::chrono::seconds oldest_;
  std::mutex mutex_;
  std::shared_ptr<const Surroundings> known_;
  Clock::time_point read_at_;
};

}  // namespace flyt::vsphere
