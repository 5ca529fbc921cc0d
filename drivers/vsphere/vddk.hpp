// A disk read by VMware's VDDK, in an nbdkit that has its plugin. flyt ships neither.
#pragma once

#include <memory>
#include <string>

#include "base/channel.hpp"
#include "drivers/vsphere/changes.hpp"
#include "drivers/vsphere/transport.hpp"

namespace flyt::vsphere {

struct VddkSpec {
  std::string file;  // "[datastore] web01/web01.vmdk", as the snapshot or the machine names it
  TrackedDisk disk;
  std::string since;  // Channel::changed() answers what differs from it; empty: it does not
  std::string what;   // begins errors: "web01: Hard disk 1"
};

// VDDK logs in by itself, once for each NBD connection, and reads from the ESXi host that vCenter
// names, port 902. It trusts the server by the SHA-1 of the certificate that was trusted here by
// the site's `ca` or `fingerprint`. `session` must outlive the channel.
//
// Errors: as look_at_vddk() where it cannot be used; else by what VDDK says: denied; unavailable,
// also for what it says in words that are not known.
Result<std::unique_ptr<Channel>> open_vddk(Session& session, const VddkSetup& setup,
                                           const VddkSpec& spec, const Call& call);

// "VDDK 8 (/opt/.../libvixDiskLib.so.8.0.3)", as nbdkit has loaded it. Errors, each with a remedy:
// not_found: no such folder or library; unsupported: no such nbdkit, or none with that plugin.
// REQUIRES: a libdir.
Result<std::string> look_at_vddk(const VddkSetup& setup, const Call& call);

}  // namespace flyt::vsphere
