// The platform-neutral model of a machine and its parts. Every fact may be unknown, and says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/concern.hpp"

namespace flyt {

enum class Power : std::uint8_t { unknown, off, on, suspended };
enum class FirmwareKind : std::uint8_t { unknown, bios, uefi };
enum class Bus : std::uint8_t { unknown, ide, sata, scsi, virtio_scsi, virtio_blk, nvme, usb };
enum class ClockBase : std::uint8_t { unknown, utc, local_time };
enum class GuestFamily : std::uint8_t { unknown, linux, windows, other };
enum class ToolsState : std::uint8_t { unknown, absent, stopped, running };
enum class DeviceKind : std::uint8_t { unknown, cdrom, floppy, serial, parallel, usb, passthrough };

struct Firmware {
  FirmwareKind kind = FirmwareKind::unknown;
  std::optional<bool> secure_boot;
  std::optional<bool> tpm;
};

struct Guest {
  GuestFamily family = GuestFamily::unknown;
  std::string id;         // the platform's word: "debian12_64Guest"
  std::string name;       // "Debian GNU/Linux 12 (64-bit)"
  std::string host_name;  // from inside; empty: unknown
};

// The platform's own programs inside the guest, as the platform knows them.
struct Tools {
  ToolsState state = ToolsState::unknown;
  std::string version = {};  // the platform's word; empty: unknown
  std::optional<bool> old;   // the platform wants a newer version
};

struct Disk {
  std::string id;     // the driver's name for it, unique in the machine, stable
  std::string uuid;   // the platform's own stable identity; empty: it has none
  std::string label;  // what its users call it: "Hard disk 1"
  std::uint64_t size_bytes = 0;
  std::optional<std::uint64_t> used_bytes;  // allocated
  Bus bus = Bus::unknown;
  std::string controller;    // the platform's word: "lsilogic", "pvscsi", "virtio-scsi"
  std::string storage;       // Storage::id
  std::string format;        // "raw", "qcow2", "vmdk-stream"
  bool boots = false;        // first in the boot order
  bool stream_only = false;  // can only be read as one sequence
  std::string left_out;      // why it cannot be read; empty: it can
  std::string read_by;       // in which way it is read, and why; for people. Empty: there is one
  // Another one: the disk's bytes may be others than they were. Empty: the platform cannot tell.
  // Means nothing for a view. Stands in no plan.
  std::string stamp;
};

struct Nic {
  std::string id;
  std::string mac;      // lower case, colons; empty: unknown
  std::string network;  // Network::name, as the mapping names it
  std::string model;    // the platform's word: "E1000", "virtio"
  std::optional<bool> connected;
  std::vector<std::string> addresses;  // as the platform or the guest agent told
};

// Another device than disks and network cards, of those that not every machine has.
struct Device {
  DeviceKind kind = DeviceKind::unknown;
  std::string label;    // what its users call it: "CD/DVD drive 1"
  std::string backing;  // what it stands for, in the platform's words; empty: nothing, or unknown
};

// How its platform treats the machine. Nothing of it travels.
struct Hosting {
  std::string cluster;        // name; empty: none
  std::string resource_pool;  // path below the cluster's or host's own; empty: that one
  std::optional<std::uint64_t> cpu_reserved_mhz, memory_reserved_bytes;
  std::optional<bool> cpu_hot_add, memory_hot_add;
  std::optional<bool> pinned;             // to processors or memory nodes of its host
  std::optional<bool> latency_sensitive;  // it has processors of the host for itself
  std::optional<bool> fault_tolerant;     // a second one runs beside it in lockstep
  std::optional<bool> encrypted;          // its files, by the platform
  std::optional<bool> change_tracking;
  std::optional<std::uint32_t> snapshots;  // that flyt did not take
  std::optional<bool> snapshot_memory;     // one of the snapshots holds the machine's memory
  std::optional<bool> consolidation_needed;
  std::optional<std::uint64_t> up_seconds;  // since it was switched on. Stands in no plan.
};

struct Machine {
  std::string id;           // the driver's name for it; what methods take
  std::string uuid;         // stable over renames; part of the migration id
  std::string smbios_uuid;  // what its guest reads as the hardware's; empty: unknown
  // VM-GenerationID: the 16 bytes that its guest reads, written as Microsoft writes a GUID. Empty:
  // it has none, or it is unknown.
  std::string generation_id;
  std::string name;
  std::string folder;  // where its users find it; may be empty
  std::vector<std::string> tags;
  std::string notes;
  std::string migration_id;  // of the migration that made it; empty: flyt did not
  std::string host;          // Host::id
  Power power = Power::unknown;
  bool is_template = false;
  std::string bare;  // Volume::kind of a volume without a machine, in the place of one
  std::optional<std::uint32_t> cpus;
  std::optional<std::uint32_t> sockets;
  std::optional<std::uint64_t> memory_bytes;
  Firmware firmware;
  ClockBase clock = ClockBase::unknown;
  Guest guest;
  std::vector<Disk> disks;  // bus order
  std::vector<Nic> nics;
  std::vector<Device> devices;
  Tools tools;
  Hosting hosting;
  std::vector<Concern> concerns;  // what the driver sees that will not travel or needs care
  std::string unreadable;         // why it could not be read; empty: it could
};

std::string_view to_string(Power value) noexcept;
std::string_view to_string(FirmwareKind value) noexcept;
std::string_view to_string(Bus value) noexcept;
std::string_view to_string(ClockBase value) noexcept;
std::string_view to_string(GuestFamily value) noexcept;
std::string_view to_string(ToolsState value) noexcept;
std::string_view to_string(DeviceKind value) noexcept;
// The reverse; unknown words give `unknown`.
Power power_from(std::string_view text) noexcept;
FirmwareKind firmware_from(std::string_view text) noexcept;
Bus bus_from(std::string_view text) noexcept;
ClockBase clock_from(std::string_view text) noexcept;
GuestFamily guest_family_from(std::string_view text) noexcept;
ToolsState tools_state_from(std::string_view text) noexcept;
DeviceKind device_kind_from(std::string_view text) noexcept;

}  // namespace flyt
