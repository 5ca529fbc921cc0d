// What was seen inside a guest, and what follows from it. Nothing here touches a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/concern.hpp"

namespace flyt::inspection {

struct FileSystem {
  std::string device, type;  // "/dev/sda1", "ext4"
  std::string mounted;       // where the guest mounts it; empty: it does not, or it is not known
  std::optional<std::uint64_t> size_bytes, free_bytes;
};

struct Kernel {
  std::string version;
  bool has_virtio = false;                // built in, or as a module
  std::optional<bool> early_virtio = {};  // in its initramfs; nothing: that cannot be read
};

struct ConfigFile {
  std::string path, text;
};

struct Windows {
  std::string product, variant, build;  // "Windows Server 2019 Standard", "Server Core", "17763"
  bool hibernated = false;              // also by fast startup
  bool unclean = false;          // its volume was not dismounted; so too where it is hibernated
  bool dynamic_disk = false;     // its volume is one of the Logical Disk Manager
  bool universal_clock = false;  // it takes the hardware's clock for UTC
  std::vector<std::string> boot_drivers;   // of virtio, which it loads at the start: "viostor"
  std::vector<std::string> restart_signs;  // what says that it waits for a restart
  std::vector<std::string> policies;       // that forbid it new devices: "DenyUnspecified"
};

struct Facts {
  std::vector<FileSystem> file_systems;
  // "linux", "debian", "12.5"; "windows", "windows" and NT's version; type empty: no system was
  // found
  std::string type, distro, version;
  std::string fstab;
  std::vector<Kernel> kernels;
  std::vector<ConfigFile> network;  // files that may configure interfaces
  std::optional<bool>
      fallback_loader;  // EFI/BOOT/BOOTX64.EFI; nothing: its place was not looked into
  bool cloud_init = false;
  std::optional<Windows> windows;  // where it is one
};

// In the order of their codes. `uefi`: the machine boots so.
std::vector<Concern> judge(const Facts& facts, std::string_view machine, bool uefi);

// Interfaces that get a fixed address by their name in this file.
std::vector<std::string> named_interfaces(const ConfigFile& file);
// Devices of /etc/fstab that are named by where they hang: "/dev/sda1", "/dev/disk/by-path/...".
std::vector<std::string> unstable_devices(std::string_view fstab);
// Size and free space from what statvfs printed.
void take_space(std::string_view statvfs, FileSystem& file_system);

}  // namespace flyt::inspection
