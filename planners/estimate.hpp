// How much a plan copies and how long that may take.
#pragma once

#include "plans/plan.hpp"

namespace flyt {

// A range, since no rate has been measured at plan time: 60, 120 and 250 MiB/s over all machines
// one after the other, and for each machine 30 s, 90 s and 5 min to make, convert, read back, boot.
Estimate estimate(const std::vector<PlannedMachine>& machines);

}  // namespace flyt
