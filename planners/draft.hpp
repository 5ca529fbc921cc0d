// One machine on its way into a plan.
#pragma once

#include <vector>

#include "planners/planner.hpp"
#include "planners/room.hpp"

namespace flyt {

struct Draft {
  PlannedMachine machine;
  std::vector<Concern> concerns;
  bool blocked() const;
};

// [machines.NAME] over [defaults].
MachineSettings settings_of(const Site& site, const std::string& name);

// Everything but capacity and clashes, which depend on the machines before: check_room().
Draft draft_machine(const PlanInput& input, const Machine& source);
// A disk's name without what says its format: the target's driver makes it in one of its own, and
// names it so.
std::string without_format(const std::string& name);
// The same for a volume without a machine.
Draft draft_volume(const PlanInput& input, const Volume& volume);
// Adds what speaks against the draft on the target as it is; a draft that is not blocked is taken
// into `room`.
void check_room(const PlanInput& input, Draft& draft, TargetRoom& room);

// What the plan assumes about the machine and the target. REQUIRES: the draft is complete.
std::vector<Fact> facts_of(const PlanInput& input, const PlannedMachine& planned);

}  // namespace flyt
