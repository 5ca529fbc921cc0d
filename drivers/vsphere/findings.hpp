// What vSphere shows of a machine that a move has to know, beside what its devices say.
#pragma once

#include "drivers/vsphere/machines.hpp"

namespace flyt::vsphere {

// What findings() wants to know, beside machine_properties().
std::vector<std::string> finding_properties();

// `found` is complete but for its concerns. Without the machine's name.
std::vector<Concern> findings(const Object& object, const SourceMachine& found,
                              const Surroundings& around);

}  // namespace flyt::vsphere
