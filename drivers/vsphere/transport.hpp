// How the bytes of a disk are reached.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drivers/vsphere/devices.hpp"

namespace flyt::vsphere {

enum class Transport : std::uint8_t {
  automatic,  // only as a wish
  ranges,     // the datastore's files over HTTPS: any part, several at once
  lease,      // an export lease (NFC): one sequence, compressed
  vddk,       // VMware's own library, in an nbdkit of the user's: any part
};

// "auto", "ranges", "nfc" or "vddk". Errc::invalid: another word.
Result<Transport> transport_from(std::string_view word);

// VMware's Virtual Disk Development Kit, which only the user can install.
struct VddkSetup {
  std::string libdir;             // absolute: the folder that has lib64; empty: there is none
  std::string nbdkit = "nbdkit";  // one with the plugin `vddk`; on the PATH, or where it is
};

// What the site says of reading.
struct ReadPolicy {
  Transport wanted = Transport::automatic;
  unsigned connections = 0;  // requests at once for each disk, at most; 0: flyt's choice
  VddkSetup vddk = {};
};

struct TransportChoice {
  Transport transport = Transport::ranges;
  std::string why;      // one line for people
  std::string refused;  // why it cannot be read at all; empty: it can
};

// `disk` as it is now, or as it is in the view that will be read; `kind` of its datastore: "VMFS".
// The same for the same disk and policy: nobody reads a disk in two ways at once, which vSphere
// answers with locks.
TransportChoice choose_transport(const DeviceDisk& disk, std::string_view kind,
                                 const ReadPolicy& policy);
// "HTTPS ranges (a flat file on VMFS)".
std::string described(const TransportChoice& choice);

}  // namespace flyt::vsphere
