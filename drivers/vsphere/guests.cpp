#include "drivers/vsphere/guests.hpp"

#include <algorithm>
#include <array>

#include "base/windows_version.hpp"

namespace flyt::vsphere {
namespace {

template <std::size_t N>
bool begins(std::string_view id, const std::array<std::string_view, N>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [id](std::string_view prefix) { return id.starts_with(prefix); });
}

// Beginnings of VirtualMachineGuestOsIdentifier, vSphere API reference 8.0 and later.
constexpr std::array<std::string_view, 39> linuxes{
    "almalinux",     "amazonlinux",   "asianux",      "centos",       "coreos",
    "crxPod",        "crxSys",        "debian",       "fedora",       "flatcar",
    "fusionos",      "genericLinux",  "kylinlinux",   "mandrake",     "mandriva",
    "miraclelinux",  "nld9",          "oes",          "opensuse",     "oracleLinux",
    "other24xLinux", "other26xLinux", "other3xLinux", "other4xLinux", "other5xLinux",
    "other6xLinux",  "other7xLinux",  "otherLinux",   "pardus",       "prolinux",
    "redhat",        "rhel",          "rockylinux",   "sjds",         "sles",
    "suse",          "turboLinux",    "ubuntu",       "vmwarePhoton"};
constexpr std::array<std::string_view, 2> windowses{"win", "longhorn"};
constexpr std::array<std::string_view, 9> others{"darwin",  "dosGuest", "eComStation",
                                                 "freebsd", "netware",  "openServer",
                                                 "os2",     "solaris",  "unixWare"};

struct OfWindows {
  std::string_view prefix;
  WindowsVersion version;
};
// Those of Windows up to 8.1 and Server 2012 R2; Windows 10 is windows9. Before NT: 0.
constexpr std::array windows_versions = std::to_array<OfWindows>({
    {"win2000", {5, 0}},
    {"win31", {0, 0}},
    {"win95", {0, 0}},
    {"win98", {0, 0}},
    {"winLonghorn", {6, 0}},
    {"winMe", {0, 0}},
    {"winNT", {4, 0}},
    {"winNet", {5, 2}},
    {"winVista", {6, 0}},
    {"winXP", {5, 1}},
    {"windows7", {6, 1}},
    {"windows8", {6, 2}},
});

// Linux with kernels before 2.6.25 that nobody has put virtio into.
constexpr std::array<std::string_view, 9> old_linuxes{"asianux3", "debian4",       "mandrake",
                                                      "nld9",     "other24xLinux", "redhatGuest",
                                                      "rhel2",    "rhel3",         "turboLinux"};

}  // namespace

bool is_too_old(std::string_view id) {
  const auto known =
      std::find_if(windows_versions.begin(), windows_versions.end(),
                   [id](const OfWindows& one) { return id.starts_with(one.prefix); });
  if (known != windows_versions.end()) return known->version < oldest_with_virtio;
  return begins(id, old_linuxes);
}

GuestFamily guest_family(std::string_view id, std::string_view told) {
  if (told == "windowsGuest") return GuestFamily::windows;
  if (told == "linuxGuest") return GuestFamily::linux;
  if (begins(id, windowses)) return GuestFamily::windows;
  if (begins(id, linuxes)) return GuestFamily::linux;
  if (begins(id, others) || id.starts_with("vmkernel")) return GuestFamily::other;
  return GuestFamily::unknown;
}

}  // namespace flyt::vsphere
