#include "drivers/shared/made.hpp"

#include <fmt/format.h>

#include <string>

namespace flyt {

Status check_ours(const Machine& machine, const Owner& owner) {
  if (!owner.id.empty() && machine.migration_id == owner.id) return ok();
  return Error{Errc::denied, fmt::format("{} was not made by this migration", machine.name), "", "",
               "it was not touched"};
}

Status check_as_asked(const Machine& made, const MachineSpec& spec, Fits* fits) {
  const auto differs = [&](std::string_view how) {
    return Error{Errc::exists, fmt::format("{} was made by this migration, but {}", made.name, how),
                 "", "an earlier plan made it otherwise", "it was not touched"};
  };
  if (made.name != spec.name) return differs("under another name than " + spec.name);
  if (made.disks.size() != spec.disks.size()) return differs("with other disks");
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    if (!fits(made.disks[i], spec.disks[i])) {
      return differs(fmt::format("disk {} has another size", i));
    }
  }
  return ok();
}

Status check_same_disks(const Machine& machine, const MachineSpec& spec, Fits* fits) {
  if (machine.disks.size() != spec.disks.size()) {
    return Error{Errc::invalid, fmt::format("{} has {} disks, not {}", machine.name,
                                            machine.disks.size(), spec.disks.size())};
  }
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    const Disk& disk = machine.disks[i];
    const DiskSpec& wanted = spec.disks[i];
    if (!fits(disk, wanted) || (!wanted.format.empty() && wanted.format != disk.format)) {
      return Error{Errc::invalid,
                   fmt::format("{}: disk {} has {} bytes as {}, not {} as {}", machine.name, i,
                               disk.size_bytes, disk.format, wanted.size_bytes, wanted.format)};
    }
  }
  return ok();
}

}  // namespace flyt
