// Which of a machine's disks it starts from.
#pragma once

#include <algorithm>
#include <cstddef>

namespace flyt {

// Index of the first one that says so; 0: none does. Of Disk or DiskSpec.
template <typename Disks>
std::size_t boot_disk(const Disks& disks) {
  const auto found =
      std::find_if(disks.begin(), disks.end(), [](const auto& disk) { return disk.boots; });
  return found == disks.end() ? 0 : static_cast<std::size_t>(found - disks.begin());
}

}  // namespace flyt
