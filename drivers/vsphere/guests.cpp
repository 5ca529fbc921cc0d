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

}  // namespace

GuestFamily guest_family(std::string_view id, std::string_view told) {
  if (told == "windowsGuest") return GuestFamily::windows;
  if (told == "linuxGuest") return GuestFamily::linux;
  if (begins(id, windowses)) return GuestFamily::windows;
  if (begins(id, linuxes)) return GuestFamily::linux;
  if (begins(id, others) || id.starts_with("vmkernel")) return GuestFamily::other;
  return GuestFamily::unknown;
}

}  // namespace flyt::vsphere
