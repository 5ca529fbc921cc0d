#include "base/machine.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/inventory.hpp"

namespace flyt {
namespace {

// One list of words per enumeration, in its order; the first stands for `unknown`.
constexpr std::array<std::string_view, 4> powers = {"unknown", "off", "on", "suspended"};
constexpr std::array<std::string_view, 3> firmwares = {"unknown", "bios", "uefi"};
constexpr std::array<std::string_view, 8> buses = {"unknown",     "ide",        "sata", "scsi",
                                                   "virtio-scsi", "virtio-blk", "nvme", "usb"};
constexpr std::array<std::string_view, 3> clocks = {"unknown", "utc", "local-time"};
constexpr std::array<std::string_view, 4> families = {"unknown", "linux", "windows", "other"};
constexpr std::array<std::string_view, 4> tools_states = {"unknown", "absent", "stopped",
                                                          "running"};
constexpr std::array<std::string_view, 7> device_kinds = {
    "unknown", "cdrom", "floppy", "serial", "parallel", "usb", "passthrough"};
constexpr std::array<std::string_view, 5> affinities = {"unknown", "together", "apart", "on-hosts",
                                                        "off-hosts"};

template <typename E, std::size_t N>
std::string_view word(const std::array<std::string_view, N>& words, E value) noexcept {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? words[at] : words[0];
}

template <typename E, std::size_t N>
E value_of(const std::array<std::string_view, N>& words, std::string_view text) noexcept {
  for (std::size_t at = 0; at < N; ++at) {
    if (words[at] == text) return static_cast<E>(at);
  }
  return E::unknown;
}

}  // namespace

std::string_view to_string(Power value) noexcept { return word(powers, value); }
std::string_view to_string(FirmwareKind value) noexcept { return word(firmwares, value); }
std::string_view to_string(Bus value) noexcept { return word(buses, value); }
std::string_view to_string(ClockBase value) noexcept { return word(clocks, value); }
std::string_view to_string(GuestFamily value) noexcept { return word(families, value); }
std::string_view to_string(ToolsState value) noexcept { return word(tools_states, value); }
std::string_view to_string(DeviceKind value) noexcept { return word(device_kinds, value); }
std::string_view to_string(AffinityKind value) noexcept { return word(affinities, value); }

Power power_from(std::string_view text) noexcept { return value_of<Power>(powers, text); }
FirmwareKind firmware_from(std::string_view text) noexcept {
  return value_of<FirmwareKind>(firmwares, text);
}
Bus bus_from(std::string_view text) noexcept { return value_of<Bus>(buses, text); }
ClockBase clock_from(std::string_view text) noexcept { return value_of<ClockBase>(clocks, text); }
GuestFamily guest_family_from(std::string_view text) noexcept {
  return value_of<GuestFamily>(families, text);
}
ToolsState tools_state_from(std::string_view text) noexcept {
  return value_of<ToolsState>(tools_states, text);
}
DeviceKind device_kind_from(std::string_view text) noexcept {
  return value_of<DeviceKind>(device_kinds, text);
}
bool Storage::takes(std::string_view volume_kind) const {
  return std::find(keeps.begin(), keeps.end(), volume_kind) != keeps.end();
}

std::string storage_name(const Inventory& inventory, const std::string& id) {
  for (const auto& storage : inventory.storages) {
    if (storage.id == id) return storage.name;
  }
  return id;
}

AffinityKind affinity_kind_from(std::string_view text) noexcept {
  return value_of<AffinityKind>(affinities, text);
}

}  // namespace flyt
