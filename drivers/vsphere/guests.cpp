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

// Beginnings of VirtualMachineGuestOsIdentifier, vSphere API reference 8.0.
constexpr std::array<std::string_view, 21> linuxes{
    "almalinux",   "amazonlinux",   "asianux", "centos",       "coreos",     "crxPod",   "crxSys",
    "debian",      "fedora",        "flatcar", "genericLinux", "mandrake",   "mandriva", "opensuse",
    "oracleLinux", "other24xLinux", "redhat",  "rhel",         "rockylinux", "sles",     "ubuntu"};
constexpr std::array<std::string_view, 10> more_linuxes{
    "other26xLinux", "other3xLinux", "other4xLinux", "other5xLinux", "other6xLinux",
    "otherLinux",    "sjds",         "suse",         "turboLinux",   "vmwarePhoton"};
constexpr std::array<std::string_view, 2> windowses{"win", "longhorn"};
constexpr std::array<std::string_view, 9> others{"darwin",  "dosGuest", "eComStation",
                                                 "freebsd", "netware",  "openServer",
                                                 "os2",     "solaris",  "unixWare"};

}  // namespace

GuestFamily guest_family(std::string_view id, std::string_view told) {
  if (told == "windowsGuest") return GuestFamily::windows;
  if (told == "linuxGuest") return GuestFamily::linux;
  if (begins(id, windowses)) return GuestFamily::windows;
  if (begins(id, linuxes) || begins(id, more_linuxes)) return GuestFamily::linux;
  if (begins(id, others) || id.starts_with("vmkernel")) return GuestFamily::other;
  return GuestFamily::unknown;
}

}  // namespace flyt::vsphere
