// A virtual machine of vSphere in flyt's own words.
#pragma once

#include "drivers/vsphere/devices.hpp"
#include "drivers/vsphere/surroundings.hpp"

namespace flyt::vsphere {

// What machine_of() wants to know.
PropertySpec machine_properties();

struct SourceMachine {
  Machine machine;  // complete, but for how its disks can be read
  Devices devices;  // in the order of machine.disks
  Ref host;
  bool foreign_snapshots = false;  // others than flyt's own
  bool tracked = false;            // change tracking is on
};

// A machine that vCenter cannot tell about (its host is gone, its files are not to be found) says
// so in Machine::unreadable.
SourceMachine machine_of(const Object& object, const Surroundings& around);

}  // namespace flyt::vsphere
