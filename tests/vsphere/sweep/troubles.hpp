// All that the lab's control interface can do to a migration, at every place that it comes by.
#pragma once

#include <vector>

#include "tests/vsphere/sweep/stage.hpp"

namespace flyt::tests {

// Of one kind: the same method that fails, the same act of somebody else, at one place or another.
using Group = std::vector<Trouble>;

// `seen`: what the migration does when it is left alone.
std::vector<Group> troubles_of(const Scenario& scenario, const Seen& seen);

}  // namespace flyt::tests
