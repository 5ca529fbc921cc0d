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
};

// "auto", "ranges" or "nfc". Errc::invalid: another word.
Result<Transport> transport_from(std::string_view word);

struct TransportChoice {
  Transport transport = Transport::ranges;
  std::string why;      // one line for people
  std::string refused;  // why it cannot be read at all; empty: it can
};

// `disk` as it is now, or as it is in the view that will be read; `kind` of its datastore: "VMFS".
TransportChoice choose_transport(const DeviceDisk& disk, std::string_view kind, Transport wanted);

}  // namespace flyt::vsphere
