// What an export lease has to offer, and which part of it is the disk that is wanted.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "drivers/vsphere/devices.hpp"

namespace flyt::vsphere {

struct LeaseUrl {
  std::string key;         // "/vm-70/ParaVirtualSCSIController0:1", "/vm-70/nvram"
  std::string url;         // holds the ticket, which is secret; the host may be "*"
  std::string thumbprint;  // of the host's certificate; empty: not told
  bool disk = true;
};

struct LeaseInfo {
  std::vector<LeaseUrl> urls;
  // After so long without HttpNfcLeaseProgress the lease ends.
  std::chrono::milliseconds timeout{0};
};

// `info`: a HttpNfcLeaseInfo, as the property `info` of a lease.
LeaseInfo lease_info_of(pugi::xml_node info);

// The one that is `wanted`, of the `disks` that the machine has. Its key names the disk's place or
// its device key; where no key does, the only disk of the lease is that of a machine with one.
// Errc::unsupported: none is it for certain, with the keys that there are.
Result<LeaseUrl> url_of_disk(const LeaseInfo& info, const DeviceDisk& wanted,
                             const std::vector<DeviceDisk>& disks, std::string_view what);

// How the URL is read.
struct LeaseSource {
  std::string url, host;
  HttpTrust trust;
  bool own_server = false;  // the very one that we have a session with
};

// `server` and `trust`: of the session. Where the lease leaves the host open it is the server's,
// with its port. Another host's certificate is pinned by its thumbprint, which came over the
// trusted connection to the server; without one, the session's authorities judge it.
// Errc::corrupt, Errc::unsupported: no URL or thumbprint that can be used.
Result<LeaseSource> source_of(const LeaseUrl& offered, const std::string& server,
                              const HttpTrust& trust, std::string_view what);

}  // namespace flyt::vsphere
