#include "base/convert_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/lower_case.hpp"

namespace flyt {
namespace {

bool is_virtio_nic(const Nic& nic) { return lower_case(nic.model).starts_with("virtio"); }

bool is_virtio_disk(const Disk& disk) {
  if (disk.bus == Bus::virtio_blk || disk.bus == Bus::virtio_scsi) return true;
  return disk.bus == Bus::scsi && lower_case(disk.controller).starts_with("virtio");
}

// Where the platform gives only its own word: "debian12_64Guest", "windows2019srv_64Guest".
GuestFamily family_of(const Guest& guest) {
  if (guest.family != GuestFamily::unknown) return guest.family;
  constexpr std::array<std::string_view, 18> linuxes = {
      "linux",  "debian", "ubuntu", "rhel",   "red hat", "centos", "fedora", "sles",   "suse",
      "oracle", "rocky",  "alma",   "amazon", "alpine",  "arch",   "gentoo", "photon", "coreos"};
  const std::string word = lower_case(guest.id + " " + guest.name);
  const auto is_in = [&word](std::string_view part) {
    return word.find(part) != std::string::npos;
  };
  if (word.starts_with("win") || is_in("windows")) return GuestFamily::windows;
  if (std::any_of(linuxes.begin(), linuxes.end(), is_in)) return GuestFamily::linux;
  return GuestFamily::unknown;
}

// What is not virtio, for people: "disk on scsi (lsilogic)"; empty: all is.
std::string foreign_hardware(const Machine& machine) {
  for (const Disk& disk : machine.disks) {
    if (is_virtio_disk(disk)) continue;
    const std::string model = disk.controller.empty() ? "" : fmt::format(" ({})", disk.controller);
    return fmt::format("a disk on {}{}", to_string(disk.bus), model);
  }
  for (const Nic& nic : machine.nics) {
    if (!is_virtio_nic(nic)) {
      return fmt::format("a NIC of model {}", nic.model.empty() ? "unknown" : nic.model);
    }
  }
  return {};
}

ConvertChoice keep(std::string why) { return {.why = std::move(why)}; }

ConvertChoice nothing_to_do() { return keep("all disks and NICs are virtio already"); }

ConvertChoice choose_in_guest(const Machine& source) {
  if (foreign_hardware(source).empty()) return nothing_to_do();
  if (source.is_template) return keep("a template is never started, so it stays as it is");
  return {.in_guest = true, .why = "its guest takes its drivers itself, as the site asks for"};
}

ConvertChoice choose_automatically(const Machine& source) {
  const std::string foreign = foreign_hardware(source);
  if (foreign.empty()) return nothing_to_do();
  switch (family_of(source.guest)) {
    case GuestFamily::linux:
      return {.convert = true, .why = fmt::format("Linux guest with {}", foreign)};
    case GuestFamily::windows:
      return {.convert = true,
              .why = fmt::format("Windows guest with {}; needs the virtio-win drivers", foreign)};
    case GuestFamily::other:
      return keep(fmt::format("the guest is neither Linux nor Windows; {} is kept", foreign));
    case GuestFamily::unknown:
      break;
  }
  return keep(fmt::format("the guest's system is not known; {} is kept", foreign));
}

}  // namespace

ConvertChoice choose_conversion(const Machine& source, Convert wanted) {
  switch (wanted) {
    case Convert::virt_v2v:
      return {.convert = true, .why = "the site asks for virt-v2v"};
    case Convert::in_guest:
      return choose_in_guest(source);
    case Convert::none:
      return {.why = "the site asks for none"};
    case Convert::automatic:
      break;
  }
  return choose_automatically(source);
}

}  // namespace flyt
