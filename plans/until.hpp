// Where an apply ends.
#pragma once

#include <cstdint>

namespace flyt {

// How far machines are taken.
enum class Until : std::uint8_t {
  landed,
  copied,  // all of their disks are on the target
  // The same, and what has changed since an earlier apply is, too. The view of a source that runs
  // is dropped.
  warm,
};

}  // namespace flyt
