// Reading a whole disk as one stream, by an export lease.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/channel.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

struct LeaseSpec {
  Ref machine;
  Ref snapshot;  // empty: the machine itself, which must be off
  std::string disk_key;
  std::uint64_t size_bytes = 0;
  std::string what;  // begins errors: "web01: Hard disk 1"
};

// A stream of the disk, with a lease of its own, which keeps the server from changing the machine
// until the channel is closed or destroyed. Any number of them may be open at once. `session` must
// outlive it.
//
// The data comes from the ESXi host that the lease names, which need not be the server: its
// certificate is pinned by the thumbprint in the lease (SHA-1, told over the trusted connection to
// the server), and our session's cookie is sent to the server alone: elsewhere the ticket in the
// URL is the permission.
//
// The stream's last answer comes after the server has confirmed that the lease held until then.
// Memory: some MiB, and what VmdkStream needs.
//
// Errors of this and of next(): not_found; unsupported, when the snapshot does not hold the disk;
// denied, also for another certificate than the thumbprint's; unavailable: the machine runs, the
// disk is locked, the host is busy (503), the lease or the connection is gone; corrupt: what came
// is not the disk. A stream that failed is opened again and begins anew.
Result<std::unique_ptr<Channel>> open_lease(Session& session, const LeaseSpec& spec,
                                            const Call& call);

}  // namespace flyt::vsphere
