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
  return Error{Errc::invalid,
               fmt::format("transport = \"{}\": there is no such transport", word),
               {},
               {},
               {},
               {"use \"auto\", \"ranges\" or \"nfc\""}};
}

TransportChoice choose_transport(const DeviceDisk& disk, std::string_view kind, Transport wanted) {
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
  if (wanted == Transport::lease) return {Transport::lease, "as the site says", ""};
  if (wanted == Transport::ranges) return {Transport::ranges, "as the site says", why_not};
  if (why_not.empty()) return {Transport::ranges, "a flat file on " + std::string(kind), ""};
  return {Transport::lease, why_not, ""};
}

}  // namespace flyt::vsphere
