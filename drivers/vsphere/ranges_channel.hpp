// A datastore's file as a channel: our nbdkit plugin in a process of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/channel.hpp"
#include "drivers/vsphere/changes.hpp"
#include "drivers/vsphere/ranges.hpp"

namespace flyt::vsphere {

struct RangesSpec {
  RangeFile file;
  TrackedDisk disk;
  // Maps what was ever written, so that the rest is not read: the disk's changes are tracked.
  bool mapped = false;
  std::string since;         // Channel::changed() answers what differs from it; empty: it does not
  unsigned connections = 0;  // requests at once, at most; 0: flyt's choice
  std::string what;          // begins errors: "web01: Hard disk 1"
};

// `session` must outlive the channel.
Result<std::unique_ptr<Channel>> open_ranges(Session& session, const RangesSpec& spec,
                                             const Call& call);

}  // namespace flyt::vsphere
