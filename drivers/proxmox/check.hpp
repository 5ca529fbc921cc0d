// What would hinder a migration: `flyt check`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/inventory.hpp"
#include "drivers/proxmox/cluster.hpp"
#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

// What the login may not do that moving machines from there or to there needs, as `scope` says,
// path by path, with the pveum lines that grant it; nodes that are away; and, where disks are
// reached by ssh, nodes at which that fails or a program is missing. Adds notes about what is as it
// must be.
Result<std::vector<Finding>> find_hindrances(Context& context, const Cluster& cluster,
                                             const Scope& scope, std::vector<std::string>& notes,
                                             const Call& call);

// The privileges of the two roles that docs/drivers/proxmox.md creates, FlytSource and FlytMove, in
// its order; they differ between the versions 8 and 9.
enum class Side : std::uint8_t { source, target };
std::vector<std::string> role_privileges(Side side, const std::string& version);
std::string_view role_name(Side side);

// The pveum lines that give the login `role` on a path below "/" and make that role, and FlytMove
// again with it: what is granted on a path replaces what comes from above.
Result<std::vector<std::string>> grant_beside(Api& api, const std::string& path,
                                              std::string_view role,
                                              std::span<const std::string_view> privileges,
                                              const Call& call);

}  // namespace flyt::proxmox
