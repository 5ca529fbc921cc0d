#include "movers/inspect/windows.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "movers/inspect/registry.hpp"

namespace flyt::inspection {
namespace {

// What ntfs-3g.probe(8) exits with: 14 for a hibernated volume, and for a log of version 2, which
// Windows 8 and later leave unless they shut down; 15 for an older log that is in use.
constexpr std::string_view probe_kept_by_windows = "14", probe_unclean = "15";
// A service with this start is loaded by Windows' boot loader.
constexpr std::uint32_t boot_start = 0;

constexpr const char* servicing =
    R"(Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending)";
constexpr const char* updates =
    R"(Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired)";
// The group policy "Device Installation Restrictions", after which a guest with new hardware may
// stop with 7B: virt-v2v(1).
constexpr const char* restrictions = R"(Policies\Microsoft\Windows\DeviceInstall\Restrictions)";
constexpr std::array denials{"DenyUnspecified", "DenyDeviceIDs", "DenyDeviceClasses"};

class Looker {
 public:
  Looker(Guestfish& fish, std::string root, Windows& windows, const Call& call)
      : fish_(fish), root_(std::move(root)), windows_(windows), call_(call) {}

  Status look() {
    FLYT_ASSIGN(windows_.product, about("product-name"));
    FLYT_ASSIGN(windows_.variant, about("product-variant"));
    FLYT_TRY(look_at_files());
    FLYT_TRY(look_at_software());
    return look_at_system();
  }

 private:
  // libguestfs says "unknown" where it does not know.
  Result<std::string> about(const std::string& what) {
    FLYT_ASSIGN(std::string told, fish_.word({"inspect-get-" + what, root_}, call_));
    return told == "unknown" ? std::string() : told;
  }

  // As the guest writes it; NTFS keeps the case of names that Windows does not tell apart.
  Result<std::string> real_path(const std::string& path) {
    return fish_.word({"case-sensitive-path", path}, call_);
  }

  Status look_at_files() {
    FLYT_ASSIGN(const std::string file, real_path("/hiberfil.sys"));
    FLYT_ASSIGN(const std::string begin, fish_.ask({"pread", file, "4", "0"}, call_));
    // "wake" stands there once it was used, and zeroes while it was not.
    windows_.hibernated = begin == "hibr" || begin == "HIBR";
    FLYT_ASSIGN(const std::string system, about("windows-systemroot"));
    FLYT_ASSIGN(const std::string pending, real_path(system + "/WinSxS/pending.xml"));
    FLYT_ASSIGN(const bool there, fish_.is({"is-file", pending}, call_));
    if (there) windows_.restart_signs.emplace_back("pending.xml");
    return ok();
  }

  Status look_at_software() {
    FLYT_ASSIGN(const std::string path, about("windows-software-hive"));
    FLYT_ASSIGN(const Hive hive, Hive::open(fish_, path, call_));
    FLYT_ASSIGN(windows_.build,
                hive.text(R"(Microsoft\Windows NT\CurrentVersion)", "CurrentBuildNumber"));
    FLYT_ASSIGN(const bool serviced, hive.has_key(servicing));
    if (serviced) windows_.restart_signs.emplace_back("RebootPending");
    FLYT_ASSIGN(const bool updated, hive.has_key(updates));
    if (updated) windows_.restart_signs.emplace_back("RebootRequired");
    for (const char* name : denials) {
      FLYT_ASSIGN(const auto denied, hive.number(restrictions, name));
      if (denied == 1U) windows_.policies.emplace_back(name);
    }
    return ok();
  }

  Status look_at_system() {
    FLYT_ASSIGN(const std::string path, about("windows-system-hive"));
    FLYT_ASSIGN(const std::string current, about("windows-current-control-set"));
    FLYT_ASSIGN(const Hive hive, Hive::open(fish_, path, call_));
    const char* renames = "PendingFileRenameOperations";
    FLYT_ASSIGN(const bool waits, hive.has_value(current + R"(\Control\Session Manager)", renames));
    if (waits) windows_.restart_signs.emplace_back(renames);
    FLYT_ASSIGN(const auto universal,
                hive.number(current + R"(\Control\TimeZoneInformation)", "RealTimeIsUniversal"));
    windows_.universal_clock = universal == 1U;
    for (const char* driver : {"viostor", "vioscsi"}) {
      FLYT_ASSIGN(const auto start,
                  hive.number(current + R"(\Services\)" + std::string(driver), "Start"));
      if (start == boot_start) windows_.boot_drivers.emplace_back(driver);
    }
    return ok();
  }

  Guestfish& fish_;
  const std::string root_;
  Windows& windows_;
  const Call& call_;
};

}  // namespace

Result<Windows> look_at_windows_volume(Guestfish& fish, const std::string& root, const Call& call) {
  Windows windows;
  windows.dynamic_disk = root.starts_with("/dev/mapper/ldm_");
  FLYT_ASSIGN(const std::string type, fish.word({"vfs-type", root}, call));
  if (type != "ntfs") return windows;
  FLYT_ASSIGN(const std::string probed, fish.word({"ntfs-3g-probe", "true", root}, call));
  windows.unclean = probed == probe_kept_by_windows || probed == probe_unclean;
  return windows;
}

Status look_at_windows(Guestfish& fish, const std::string& root, Windows& windows,
                       const Call& call) {
  return Looker(fish, root, windows, call).look();
}

}  // namespace flyt::inspection
