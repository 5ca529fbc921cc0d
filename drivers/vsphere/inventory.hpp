// All that a vCenter or an ESXi host has, or one machine of it.
#pragma once

#include "base/inventory.hpp"
#include "drivers/vsphere/known_surroundings.hpp"
#include "drivers/vsphere/machines.hpp"
#include "drivers/vsphere/transport.hpp"

namespace flyt::vsphere {

// Inventory::endpoint is left empty. `policy`: what decides how disks can be read. Tags are read
// for a whole inventory only: they serve to choose machines, and one machine is looked at often.
// For the same reason what stands around one machine may be as old as `known` says.
Result<Inventory> read_inventory(Session& session, KnownSurroundings& known, const Scope& scope,
                                 const ReadPolicy& policy, const Call& call);

// Errc::not_found: there is no such machine.
Result<SourceMachine> read_machine(Session& session, const std::string& id,
                                   const Surroundings& around, const Call& call);

}  // namespace flyt::vsphere
