// Opening disks: an NBD server over a disk's file, or a stream of it.
#pragma once

#include <memory>

#include "base/channel.hpp"
#include "drivers/memory/world.hpp"

namespace flyt::memory {

Result<std::unique_ptr<Channel>> open_disk(const WorldFolder& folder, LockedWorld& locked,
                                           const OpenSpec& spec, const Call& call);

// Ends what lower epochs of `owner` run on the machine's disks. Errc::denied: a higher epoch or
// somebody else is there; Errc::unavailable: this epoch still has a channel open.
Status fence(LockedWorld& locked, const std::string& machine, const Owner& owner, const Call& call);

}  // namespace flyt::memory
