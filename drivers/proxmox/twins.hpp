// Two machines of one MAC address never meet on the cluster's networks.
#pragma once

#include <vector>

#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

// Errc::exists where a network card of another machine has a MAC address of `spec` and is plugged
// into a network, whether that machine runs or not; a card with link_down=1 may have it, and so may
// a template's. `own`: the machine that `spec` describes, empty before there is one. Machines of
// nodes that are offline are passed over: nobody can read them, and they do not run.
Status check_macs(Context& context, const Cluster& cluster,
                  const std::vector<MachineHere>& machines, const MachineSpec& spec,
                  const std::string& own, const Call& call);

}  // namespace flyt::proxmox
