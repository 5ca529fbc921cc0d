#include "drivers/vsphere/guests.hpp"

#include <algorithm>
#include <array>

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

// Windows before 7 and Server 2008 R2, whose drivers virtio-win has dropped, and Linux with kernels
// before 2.6.25 that nobody has put virtio into.
constexpr std::array<std::string_view, 19> old_guests{
    "win2000",       "win31",       "win95", "win98",    "winLonghorn", "winMe",    "winNT",
    "winNet",        "winVista",    "winXP", "asianux3", "debian4",     "mandrake", "nld9",
    "other24xLinux", "redhatGuest", "rhel2", "rhel3",    "turboLinux"};

}  // namespace

bool is_too_old(std::string_view id) { return begins(id, old_guests); }

GuestFamily guest_family(std::string_view id, std::string_view told) {
  if (told == "windowsGuest") return GuestFamily::windows;
  if (told == "linuxGuest") return GuestFamily::linux;
  if (begins(id, windowses)) return GuestFamily::windows;
  if (begins(id, linuxes)) return GuestFamily::linux;
  if (begins(id, others) || id.starts_with("vmkernel")) return GuestFamily::other;
  return GuestFamily::unknown;
}

}  // namespace flyt::vsphere
