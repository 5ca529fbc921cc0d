// Changed block tracking: which parts of a disk are others than at an earlier view.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "drivers/vsphere/allocation.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {

struct TrackedDisk {
  Ref machine;
  Ref snapshot;     // empty: the machine as it is, which must be off
  std::string key;  // of the device
  std::uint64_t size_bytes = 0;
};

// Whether what has changed since the id `earlier` may be asked of a disk that now has the id `now`:
// both are of one tracking ("52 de c0 d9.../7": what stands before the slash) and `now` is no
// older. Else the tracking was reset, or the machine was taken back to an earlier snapshot.
bool may_follow(std::string_view earlier, std::string_view now);

// One page of extents at or after `from`: what has changed since `change_id`; "*": what has ever
// been written. Pages without extents are passed over, as the API allows them; empty: nothing more.
// Errc::unsupported for every fault that may mean that the id is not known any more, or tracking
// was reset: the disk must be read as a whole then, and `seen` says why. Errc::corrupt: an answer
// that cannot be.
Result<std::vector<Extent>> changed_extents(Session& session, const TrackedDisk& disk,
                                            const std::string& change_id, std::uint64_t from,
                                            const Call& call);

// The same as NbdChannelSpec::changed has it; none where `since` is empty. `session` must outlive
// it.
std::function<Result<std::vector<Extent>>(std::uint64_t from, const Call& call)> changes_since(
    Session& session, const TrackedDisk& disk, const std::string& since);

// All that has ever been written, from all pages.
Result<Allocation> allocation_of(Session& session, const TrackedDisk& disk, const Call& call);

}  // namespace flyt::vsphere
