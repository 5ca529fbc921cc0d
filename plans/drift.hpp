// Whether the world is still as a plan assumed it.
#pragma once

#include <vector>

#include "base/inventory.hpp"
#include "base/result.hpp"
#include "plans/plan.hpp"

namespace flyt {

// One Error (Errc::invalid) for each pinned fact that differs and each bounded fact that no longer
// holds; noted facts are not looked at. What this migration itself has made on the target counts
// as free. Facts about ground are judged by verifiers, not here. Of `target` the ground is looked
// at, and the machines that this migration made.
std::vector<Error> drift(const PlannedMachine& planned, const Plan& plan, const Inventory& source,
                         const Inventory& target);

}  // namespace flyt
