// Views are snapshots of Proxmox VE, without memory.
#pragma once

#include <optional>
#include <string>

#include "drivers/proxmox/context.hpp"
#include "drivers/proxmox/inventory.hpp"

namespace flyt::proxmox {

// A snapshot holds all disks of a machine or there is none: where a storage keeps none, the view
// has no disk, and every disk says which one is in the way.
// Errc::exists: the name is another's.
Result<View> make_view(Context& context, const ViewSpec& spec, const Call& call);
// Errc::denied: another's.
Status drop_view(Context& context, const ViewSpec& spec, const Call& call);

// Whose view it is, as the snapshot's description says; nothing: there is no such view. "?":
// flyt did not take it.
Result<std::optional<std::string>> owner_of_view(Api& api, const MachineHere& here,
                                                 const std::string& name, const Call& call);

// Why a disk keeps the machine from having snapshots; empty: it does not.
std::string no_snapshot(const Disk& disk, std::string_view storage_type);

}  // namespace flyt::proxmox
