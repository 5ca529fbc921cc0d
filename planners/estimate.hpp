// How much a plan copies and how long that may take.
#pragma once

#include "base/inventory.hpp"
#include "plans/plan.hpp"

namespace flyt {

// A range, since no rate has been measured at plan time: 60, 120 and 250 MiB/s over all machines
// one after the other, and for each machine 30 s, 90 s and 5 min to make, convert, read back, boot;
// 2 s, 5 s and 30 s for what is never started (PlannedMachine::starts).
// What is sent to one of `storages` only when its source is off (Storage::later) is sent and read
// in there once more, at those rates.
Estimate estimate(const std::vector<PlannedMachine>& machines,
                  const std::vector<Storage>& storages);

}  // namespace flyt
