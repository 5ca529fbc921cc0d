// Machines in what the cluster does beside running them: start at boot, firewall, backup jobs,
// replication, high availability.
#pragma once

#include <string>

#include "base/enrolment.hpp"
#include "base/machine_spec.hpp"
#include "drivers/proxmox/context.hpp"
#include "drivers/proxmox/inventory.hpp"

namespace flyt::proxmox {

// As Enroller::enrol().
Result<Enrolment> enrol(Context& context, const std::string& id, const Enrolment& wanted,
                        const Owner& owner, const Call& call);

// Before a machine is removed: ends high availability, which would start it again, and its
// replication, whose copies on other nodes would stay. What else it is in, its removal ends.
Status leave(Context& context, const MachineHere& here, const Call& call);

// What of `wanted` the login is told there is; the rest stays unknown.
Result<EnrolmentChoices> read_choices(Context& context, const Cluster& cluster,
                                      const std::vector<Enrolment>& wanted, const Call& call);

}  // namespace flyt::proxmox
