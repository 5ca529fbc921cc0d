// What a target is asked to do with machines that have landed.
#pragma once

#include <string>
#include <vector>

#include "base/inventory.hpp"
#include "base/machine_spec.hpp"
#include "base/site.hpp"

namespace flyt {

// [machines.NAME.after] over [defaults.after], which only the second settings have.
AfterSettings over(AfterSettings defaults, const AfterSettings& own);

// A group or a rule alone asks for high availability as well.
Enrolment enrolment_of(const AfterSettings& settings);

// All that the site asks for, each once; empty ones are left out.
std::vector<Enrolment> enrolments_of(const Site& site);

// What of it `target` is known not to have, a sentence each.
std::vector<std::string> not_there(const Enrolment& wanted, const std::vector<DiskSpec>& disks,
                                   const Inventory& target);

}  // namespace flyt
