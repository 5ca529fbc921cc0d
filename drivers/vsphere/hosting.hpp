// How vSphere runs a machine, and what its tools inside say.
#pragma once

#include "drivers/vsphere/devices.hpp"
#include "drivers/vsphere/surroundings.hpp"

namespace flyt::vsphere {

// What hosting_of() and tools_of() want to know.
std::vector<std::string> hosting_properties();

Hosting hosting_of(const Object& machine, const Devices& devices, const Surroundings& around);
Tools tools_of(const Object& machine);

}  // namespace flyt::vsphere
