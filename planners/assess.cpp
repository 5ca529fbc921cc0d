#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/convert_choice.hpp"
#include "base/units.hpp"
#include "planners/concerns.hpp"
#include "planners/draft.hpp"
#include "planners/firmware.hpp"
#include "planners/planner.hpp"

namespace flyt {
namespace {

constexpr std::size_t many_disks = 20;
constexpr std::uint64_t long_up_seconds = std::uint64_t{365} * 24 * 3600;
// The largest number that a plan can hold: docs/plan-format.md.
constexpr std::uint64_t largest_number = (std::uint64_t{1} << 53) - 1;

std::string disk_name(const Machine& machine, std::size_t index) {
  const Disk& disk = machine.disks[index];
  if (disk.label.empty()) return fmt::format("disk {}", index);
  return fmt::format("disk {} ({})", index, disk.label);
}

void assess_disks(const Machine& machine, std::vector<Concern>& found) {
  if (machine.disks.empty()) {
    found.push_back(concern("M-NO-DISK", machine.name, "it has no disk"));
  }
  for (std::size_t i = 0; i < machine.disks.size(); ++i) {
    const Disk& disk = machine.disks[i];
    const std::string name = disk_name(machine, i);
    if (!disk.left_out.empty()) {
      found.push_back(concern("M-DISK-UNREADABLE", machine.name,
                              fmt::format("{} cannot be read: {}", name, disk.left_out)));
    } else if (disk.size_bytes == 0) {
      found.push_back(
          concern("M-DISK-SIZE", machine.name, fmt::format("the size of {} is not known", name)));
    } else if (std::max(disk.size_bytes, disk.used_bytes.value_or(0)) > largest_number) {
      found.push_back(concern(
          "M-DISK-SIZE", machine.name,
          fmt::format("{} is said to be larger than {}", name, format_size(largest_number))));
    } else if (disk.size_bytes % mib != 0) {
      found.push_back(concern(
          "M-DISK-ODD-SIZE", machine.name,
          fmt::format("{} has {} bytes, which is no whole number of MiB", name, disk.size_bytes)));
    }
  }
  if (machine.disks.size() > many_disks) {
    found.push_back(concern(
        "M-MANY-DISKS", machine.name,
        fmt::format("{} disks: after conversion they are on virtio-scsi", machine.disks.size())));
  }
}

void assess_itself(const Machine& machine, std::vector<Concern>& found) {
  if (machine.is_template) {
    found.push_back(concern("M-TEMPLATE", machine.name, "this is a template"));
  }
  if (machine.name.empty()) {
    found.push_back(concern("M-NAME", machine.id, "it has no name"));
  }
  if (machine.uuid.empty()) {
    found.push_back(concern("M-UUID", machine.name, "it has no uuid"));
  }
  if (machine.memory_bytes.value_or(0) > largest_number) {
    found.push_back(concern("M-SIZE-UNKNOWN", machine.name, "the memory size cannot be true"));
  }
  if (machine.cpus.value_or(0) == 0 || machine.memory_bytes.value_or(0) == 0) {
    found.push_back(
        concern("M-SIZE-UNKNOWN", machine.name,
                fmt::format("the {} not known", machine.cpus.value_or(0) == 0 ? "number of CPUs is"
                                                                              : "memory size is")));
  }
  for (std::size_t i = 0; i < machine.nics.size(); ++i) {
    if (!machine.nics[i].mac.empty()) continue;
    found.push_back(concern("M-NIC-MAC", machine.name,
                            fmt::format("the MAC address of network card {} is not known", i)));
  }
}

// Of what runs: a guest that is off tells no addresses.
void assess_addresses(const Machine& machine, std::vector<Concern>& found) {
  if (machine.power != Power::on) return;
  for (std::size_t i = 0; i < machine.nics.size(); ++i) {
    const Nic& nic = machine.nics[i];
    if (!nic.addresses.empty() || !nic.connected.value_or(true)) continue;
    found.push_back(concern("M-ADDRESS", machine.name,
                            fmt::format("no address of network card {} is known", i)));
  }
}

void assess_hosting(const Machine& machine, std::vector<Concern>& found) {
  const Hosting& hosting = machine.hosting;
  if (hosting.cpu_hot_add.value_or(false) || hosting.memory_hot_add.value_or(false)) {
    found.push_back(concern("M-HOT-ADD", machine.name,
                            "processors or memory can be added while it runs, but not on the "
                            "target"));
  }
  if (hosting.cpu_reserved_mhz.value_or(0) > 0 || hosting.memory_reserved_bytes.value_or(0) > 0) {
    found.push_back(concern("M-RESERVED", machine.name,
                            fmt::format("{} MHz and {} of memory are reserved for it",
                                        hosting.cpu_reserved_mhz.value_or(0),
                                        format_size(hosting.memory_reserved_bytes.value_or(0)))));
  }
  if (const auto up = hosting.up_seconds.value_or(0); up >= long_up_seconds) {
    found.push_back(concern(
        "M-UPTIME", machine.name,
        fmt::format("it has run for {} days without a restart", up / (std::uint64_t{24} * 3600))));
  }
}

void assess_power(const Circumstances& known, const Machine& machine, std::vector<Concern>& found) {
  switch (machine.power) {
    case Power::off:
      break;
    case Power::on:
      if (known.can_cut_over) {
        found.push_back(concern("M-RUNNING", machine.name,
                                "it runs: once it is copied, flyt apply shuts it down",
                                "flyt apply --until copied leaves it running"));
        break;
      }
      found.push_back(
          concern("M-POWER", machine.name,
                  fmt::format("it runs, and {} cannot copy running machines", known.endpoint),
                  "shut it down on the source, then plan again"));
      break;
    case Power::suspended:
      found.push_back(concern("M-SUSPENDED", machine.name, "it is suspended"));
      break;
    case Power::unknown:
      found.push_back(concern("M-POWER-UNKNOWN", machine.name, "it may be running"));
      break;
  }
}

void assess_windows(const Circumstances& known, const std::string& name,
                    std::vector<Concern>& found) {
  for (const Error& lack : known.windows_lacks) {
    found.push_back(
        concern("M-WINDOWS", name, lack.what, fmt::format("{}", fmt::join(lack.remedy, "; "))));
  }
  if (!known.windows_lacks.empty()) return;
  found.push_back(concern("M-WINDOWS-UNPROVEN", name,
                          "Windows: it is converted by virt-v2v, which flyt was not proven with"));
}

void assess_clock(const Machine& machine, const Inside* inside, std::vector<Concern>& found) {
  if (machine.guest.family != GuestFamily::windows || machine.clock == ClockBase::utc) return;
  if (inside != nullptr && inside->universal_clock) return;
  found.push_back(concern("M-CLOCK", machine.name, "Windows: its clock is taken for local time"));
}

void assess_guest(const MachineSettings& settings, const Circumstances& known,
                  const Machine& machine, std::vector<Concern>& found) {
  const Convert wanted = settings.convert.value_or(Convert::automatic);
  const ConvertChoice choice = choose_conversion(machine, wanted);
  if (choice.convert && machine.guest.family == GuestFamily::windows) {
    assess_windows(known, machine.name, found);
  }
  const bool foreign = std::any_of(machine.disks.begin(), machine.disks.end(), [](const Disk& d) {
    return d.bus != Bus::virtio_blk && d.bus != Bus::virtio_scsi;
  });
  if (!choice.convert && foreign && wanted == Convert::automatic) {
    found.push_back(concern("M-NOT-CONVERTED", machine.name,
                            fmt::format("it is not converted: {}", choice.why)));
  }
}

std::vector<Concern> assess_outside(const Site& site, const Circumstances& known,
                                    const Machine& machine, const Inside* inside) {
  if (!machine.unreadable.empty()) {
    return {concern("M-UNREADABLE", machine.name,
                    fmt::format("it could not be read: {}", machine.unreadable))};
  }
  std::vector<Concern> found = machine.concerns;
  for (Concern& one : found) one.machine = machine.name;
  assess_hosting(machine, found);
  assess_addresses(machine, found);
  assess_itself(machine, found);
  const MachineSettings settings = settings_of(site, machine.name);
  assess_firmware(settings, known.target, machine, found);
  assess_disks(machine, found);
  assess_power(known, machine, found);
  assess_clock(machine, inside, found);
  assess_guest(settings, known, machine, found);
  return found;
}

}  // namespace

std::vector<Concern> assess(const Site& site, const Circumstances& known, const Machine& machine,
                            const Inside* inside) {
  std::vector<Concern> found = assess_outside(site, known, machine, inside);
  if (inside != nullptr) {
    found.insert(found.end(), inside->concerns.begin(), inside->concerns.end());
  }
  return found;
}

}  // namespace flyt
