// Disks of a machine, as the tab vDisk has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "drivers/rvtools/cells.hpp"

namespace flyt::rvtools {

struct SourceDisk {
  Disk disk;  // `storage` is a datastore's name here
  std::uint64_t controller = 0, unit = 0;
  std::optional<bool> thin;
  bool shared = false;        // other machines may write to it
  bool physical = false;      // a raw mapping in physical mode
  std::string not_in_a_view;  // why a snapshot does not hold it; empty: it does
};

SourceDisk disk_of(const Row& row);

// In the order in which VMware's firmware meets them, each with an id of its own; the first boots.
// `used`: what the machine's files take up. A machine that is not off is read through a view.
void complete_disks(std::vector<SourceDisk> disks, std::optional<std::uint64_t> used,
                    Machine& machine);

}  // namespace flyt::rvtools
