// An export lease of vSphere (NFC): a disk as one sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/channel.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

struct LeaseSpec {
  Ref machine;
  Ref snapshot;          // empty: the machine itself, which must be off
  std::string disk_key;  // of the device
  std::uint64_t size_bytes = 0;
  std::string what;  // begins errors: "web01: Hard disk 1"
};
Result<std::unique_ptr<Channel>> open_lease(Session& session, const LeaseSpec& spec,
                                            const Call& call);

}  // namespace flyt::vsphere
