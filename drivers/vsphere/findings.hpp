// What vSphere shows of a machine that a move has to know, beside what its devices say.
#pragma once

#include "drivers/vsphere/machines.hpp"

namespace flyt::vsphere {

// What findings() wants to know, beside machine_properties().
std::vector<std::string> finding_properties();

// `found` is complete but for its concerns and a vCenter's tags. Without the machine's name.
std::vector<Concern> findings(const Object& object, const SourceMachine& found,
                              const Surroundings& around);

// Adds that a backup job may take the machine, where its tags and notes say so and nothing else
// did.
void add_backup_concern(Machine& machine);

}  // namespace flyt::vsphere
