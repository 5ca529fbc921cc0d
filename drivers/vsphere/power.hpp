// Power of a machine, and what is seen of it from outside.
#pragma once

#include "drivers/driver.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {

// Of a VirtualMachinePowerState: "poweredOn".
Power power_of(const std::string& state);
// Of a VirtualMachineToolsRunningStatus: "guestToolsRunning".
bool are_tools_running(const std::string& status);

// As Driver::set_power(). A graceful end needs VMware Tools: Errc::unsupported where they do not
// run.
Status set_power(Session& session, const Ref& machine, Driver::PowerChange change,
                 const Call& call);

Result<Observation> observe(Session& session, const Ref& machine, const Call& call);

}  // namespace flyt::vsphere
