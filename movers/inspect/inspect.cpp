#include "movers/inspect/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/uri.hpp"
#include "movers/inspect/facts.hpp"
#include "movers/inspect/guestfish.hpp"
#include "movers/inspect/windows.hpp"

namespace flyt {
namespace {

using namespace inspection;

constexpr std::size_t most_files = 40, most_kernels = 8;
constexpr std::array network_globs{
    "/etc/network/interfaces",
    "/etc/network/interfaces.d/*",
    "/etc/netplan/*.yaml",
    "/etc/sysconfig/network-scripts/ifcfg-*",
    "/etc/NetworkManager/system-connections/*",
    "/etc/systemd/network/*.network",
};

// "a: b" of each line.
std::vector<std::pair<std::string, std::string>> pairs(const std::vector<std::string>& lines) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) all.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return all;
}

class Gatherer {
 public:
  Gatherer(Guestfish& fish, const Call& call) : fish_(fish), call_(call) {}

  Result<Facts> gather() {
    FLYT_ASSIGN(const auto listed, fish_.lines({"list-filesystems"}, call_));
    for (const auto& [device, type] : pairs(listed)) {
      facts_.file_systems.push_back({device, type, {}, {}, {}});
    }
    FLYT_TRY(find_encrypted());
    FLYT_ASSIGN(const auto roots, fish_.lines({"inspect-os"}, call_));
    if (roots.empty()) return std::move(facts_);
    const std::string& root = roots.front();
    FLYT_TRY(look_at_system(root));
    if (facts_.type == "windows") {
      FLYT_ASSIGN(facts_.windows, look_at_windows_volume(fish_, root, call_));
      FLYT_TRY(mount(root));
      FLYT_TRY(look_at_windows(fish_, root, *facts_.windows, call_));
      return std::move(facts_);
    }
    FLYT_TRY(mount(root));
    FLYT_TRY(look_at_files());
    FLYT_TRY(look_at_kernels());
    FLYT_TRY(look_at_network());
    return std::move(facts_);
  }

 private:
  // list-filesystems passes over what it cannot mount.
  Status find_encrypted() {
    for (const char* kind : {"list-devices", "list-partitions", "lvs"}) {
      FLYT_ASSIGN(const auto devices, fish_.lines({kind}, call_));
      for (const std::string& device : devices) {
        FLYT_ASSIGN(const std::string type, fish_.word({"vfs-type", device}, call_));
        const bool known = std::any_of(facts_.file_systems.begin(), facts_.file_systems.end(),
                                       [&](const FileSystem& one) { return one.device == device; });
        if (known || (type != "crypto_LUKS" && type != "BitLocker")) continue;
        facts_.file_systems.push_back({device, type, {}, {}, {}});
      }
    }
    return ok();
  }

  Status look_at_system(const std::string& root) {
    FLYT_ASSIGN(facts_.type, fish_.word({"inspect-get-type", root}, call_));
    FLYT_ASSIGN(facts_.distro, fish_.word({"inspect-get-distro", root}, call_));
    FLYT_ASSIGN(const std::string major, fish_.word({"inspect-get-major-version", root}, call_));
    FLYT_ASSIGN(const std::string minor, fish_.word({"inspect-get-minor-version", root}, call_));
    facts_.version = fmt::format("{}.{}", major, minor);
    return ok();
  }

  // "/" before "/boot" before "/boot/efi".
  Status mount(const std::string& root) {
    FLYT_ASSIGN(const auto told, fish_.lines({"inspect-get-mountpoints", root}, call_));
    auto points = pairs(told);
    std::sort(points.begin(), points.end());
    for (const auto& [point, device] : points) {
      FLYT_TRY(fish_.ask({"mount-ro", device, point}, call_));
      FLYT_ASSIGN(const std::string space, fish_.ask({"statvfs", point}, call_));
      for (FileSystem& one : facts_.file_systems) {
        if (one.device != device) continue;
        one.mounted = point;
        take_space(space, one);
      }
    }
    return ok();
  }

  Status look_at_files() {
    FLYT_ASSIGN(facts_.fstab, fish_.ask({"head-n", "500", "/etc/fstab"}, call_));
    FLYT_ASSIGN(facts_.cloud_init, fish_.is({"is-dir", "/etc/cloud/cloud.cfg.d"}, call_));
    // Where the EFI partition is not mounted (Windows never mounts it) nothing is known.
    for (const FileSystem& one : facts_.file_systems) {
      if (one.mounted != "/boot/efi" && one.mounted != "/efi" && one.mounted != "/boot") continue;
      if (one.type != "vfat") continue;
      FLYT_ASSIGN(const bool there,
                  fish_.is({"is-file", one.mounted + "/EFI/BOOT/BOOTX64.EFI"}, call_));
      facts_.fallback_loader = facts_.fallback_loader.value_or(false) || there;
    }
    return ok();
  }

  Status look_at_kernels() {
    FLYT_ASSIGN(const auto versions, fish_.lines({"ls", "/lib/modules"}, call_));
    for (const std::string& version : versions) {
      if (facts_.kernels.size() == most_kernels) break;
      Kernel kernel{version};
      FLYT_ASSIGN(const auto modules,
                  fish_.lines({"glob-expand", fmt::format("/lib/modules/{}/kernel/drivers/block/"
                                                          "virtio_blk.ko*",
                                                          version)},
                              call_));
      FLYT_ASSIGN(const auto built_in,
                  fish_.lines({"grep", "^CONFIG_VIRTIO_BLK=y", "/boot/config-" + version}, call_));
      kernel.has_virtio = !modules.empty() || !built_in.empty();
      if (!built_in.empty()) kernel.early_virtio = true;
      FLYT_TRY(look_at_initramfs(kernel));
      facts_.kernels.push_back(std::move(kernel));
    }
    return ok();
  }

  Status look_at_initramfs(Kernel& kernel) {
    for (const std::string& file : {"/boot/initrd.img-" + kernel.version,
                                    fmt::format("/boot/initramfs-{}.img", kernel.version),
                                    "/boot/initrd-" + kernel.version}) {
      if (kernel.early_virtio) return ok();
      FLYT_ASSIGN(const auto names, fish_.lines({"initrd-list", file}, call_));
      if (names.empty()) continue;
      kernel.early_virtio = std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.find("virtio_blk.ko") != std::string::npos;
      });
    }
    return ok();
  }

  Status look_at_network() {
    for (const char* glob : network_globs) {
      FLYT_ASSIGN(const auto paths, fish_.lines({"glob-expand", glob}, call_));
      for (const std::string& path : paths) {
        if (facts_.network.size() == most_files) return ok();
        FLYT_ASSIGN(std::string text, fish_.ask({"head-n", "500", path}, call_));
        facts_.network.push_back({path, std::move(text)});
      }
    }
    return ok();
  }

  Guestfish& fish_;
  const Call& call_;
  Facts facts_;
};

Result<std::string> socket_of(const Channel& channel) {
  constexpr std::string_view mark = "socket=";
  if (channel.info().uri.empty()) {
    return Error{.code = Errc::unsupported,
                 .what = "a disk can only be read as one sequence",
                 .why = "looking inside reads at any place"};
  }
  FLYT_ASSIGN(const Uri uri, Uri::parse(channel.info().uri));
  const auto socket =
      uri.query.starts_with(mark) ? percent_decode(uri.query.substr(mark.size())) : std::nullopt;
  if (!socket) {
    return Error{Errc::internal, fmt::format("{} names no socket", channel.info().uri)};
  }
  return *socket;
}

}  // namespace

Result<Inside> inspect(const InspectRequest& request, const Call& call) {
  std::vector<std::string> sockets;
  for (const Channel* disk : request.disks) {
    FLYT_ASSIGN(sockets.emplace_back(), socket_of(*disk));
  }
  FLYT_ASSIGN(Guestfish fish, Guestfish::start(sockets, request.kvm, call));
  FLYT_ASSIGN(const Facts facts, Gatherer(fish, call).gather());
  const bool uefi = request.machine.firmware.kind == FirmwareKind::uefi;
  return Inside{judge(facts, request.machine.name, uefi),
                facts.windows && facts.windows->universal_clock};
}

}  // namespace flyt
