#include "drivers/vsphere/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flyt::vsphere {
namespace {

// Why the disk is no plain file that /folder serves; empty: it is.
std::string no_ranges(const DeviceDisk& disk, std::string_view kind) {
  constexpr std::array with_files{"VMFS", "NFS", "NFS41"};
  const bool files = std::any_of(with_files.begin(), with_files.end(),
                                 [kind](std::string_view one) { return one == kind; });
  if (!kind.empty() && !files) return fmt::format("{} keeps no flat files", kind);
  if (disk.file != disk.base_file) return "it has snapshots";
  if (disk.mode == DiskMode::raw_virtual) return "it is a raw mapping";
  if (disk.encrypted) return "its file is encrypted";
  return {};
}

}  // namespace

Result<Transport> transport_from(std::string_view word) {
  if (word == "auto") return Transport::automatic;
  if (word == "ranges") return Transport::ranges;
  if (word == "nfc") return Transport::lease;
  if (word == "vddk") return Transport::vddk;
  return Error{Errc::invalid,
               fmt::format("transport = \"{}\": there is no such transport", word),
               {},
               {},
               {},
               {"use \"auto\", \"ranges\", \"nfc\" or \"vddk\""}};
}

TransportChoice choose_transport(const DeviceDisk& disk, std::string_view kind,
                                 const ReadPolicy& policy) {
  if (disk.mode == DiskMode::raw_physical) {
    return {Transport::ranges, "",
            "it is a raw mapping in physical mode: neither a file nor in an export"};
  }
  // Whether the other machines are off, and stay so, cannot be told: some of them may be hidden
  // from us.
  if (disk.mode == DiskMode::shared) {
    return {Transport::ranges, "",
            "it may be shared with other machines, which may write to it at any time; set its "
            "sharing and its controller's to none, which vSphere allows where one machine uses it"};
  }
  const std::string why_not = no_ranges(disk, kind);
  if (policy.wanted == Transport::ranges) return {Transport::ranges, "as the site says", why_not};
  if (policy.wanted != Transport::automatic) return {policy.wanted, "as the site says", ""};
  // By what the site's own server serves to everybody, before what somebody has to install.
  if (why_not.empty()) return {Transport::ranges, "a flat file on " + std::string(kind), ""};
  // Before a sequence, which every sync has to read to its end.
  return {policy.vddk.libdir.empty() ? Transport::lease : Transport::vddk, why_not, ""};
}

std::string described(const TransportChoice& choice) {
  if (!choice.refused.empty()) return fmt::format("no transport ({})", choice.refused);
  const auto way = [&choice] {
    switch (choice.transport) {
      case Transport::lease:
        return "export leases";
      case Transport::vddk:
        return "VDDK";
      default:
        return "HTTPS ranges";
    }
  };
  return fmt::format("{} ({})", way(), choice.why);
}

}  // namespace flyt::vsphere
