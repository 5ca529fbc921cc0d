// Opening disks to read them.
#pragma once

#include <memory>

#include "base/channel.hpp"
#include "drivers/vsphere/read_places.hpp"
#include "drivers/vsphere/session.hpp"
#include "drivers/vsphere/transport.hpp"

namespace flyt::vsphere {

// As Driver::open(). Waits for one of `places`, which the channel holds until it is closed.
// `session` must outlive the channel.
Result<std::unique_ptr<Channel>> open_disk(Session& session, ReadPlaces& places,
                                           const OpenSpec& spec, const ReadPolicy& policy,
                                           const Call& call);

}  // namespace flyt::vsphere
