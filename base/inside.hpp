// What a look into a machine's disks has found, before anything is copied.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/concern.hpp"

namespace flyt {

struct Inside {
  std::vector<Concern> concerns;
  bool universal_clock =
      false;  // its registry says that Windows takes the hardware's clock for UTC
};

using InsideById = std::map<std::string, Inside>;  // by Machine::id

}  // namespace flyt
