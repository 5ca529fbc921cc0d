#pragma once

#include <map>
#include <string>
#include <vector>

#include "drivers/proxmox/config.hpp"
#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

Result<Inventory> read_inventory(Context& context, const Scope& scope, const Call& call);

// What its configuration tells; its power as `here` has it, sizes as they were when disks were
// attached. One request. Errc::not_found: gone meanwhile.
Result<ConfigFacts> read_config_of(Api& api, const MachineHere& here, const Call& call);

// A machine with all that its configuration and its volumes tell.
struct MachineFacts {
  MachineHere here;
  ConfigFacts config;
};
// Errc::not_found: gone meanwhile.
Result<MachineFacts> read_machine(Context& context, const MachineHere& here, const Call& call);

// The one machine that flyt made under this migration id; nothing: there is none.
Result<std::optional<MachineFacts>> find_made(Context& context, const std::string& migration_id,
                                              const Call& call);

// `status` as a node tells it, `lock` as the configuration has it.
Power power_of(const std::string& status, const std::string& lock);

// What the node says of it now, not what the cluster was last told.
Result<Power> power_now(Api& api, const MachineHere& here, const Call& call);

// Volume ids with what the storage says of each, of one node's view of one storage.
struct VolumeFacts {
  std::string id, format, content, vmid;
  std::optional<std::uint64_t> size_bytes, used_bytes;
};
Result<std::vector<VolumeFacts>> list_volumes(Api& api, const std::string& node,
                                              const std::string& storage, const Params& filter,
                                              const Call& call);

// Gone is success.
Status remove_volume(Api& api, const std::string& node, const std::string& storage,
                     const std::string& volume, const std::string& what, const Call& call);

}  // namespace flyt::proxmox
