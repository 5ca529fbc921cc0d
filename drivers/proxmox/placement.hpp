// Where a new machine goes: node, number, storages, bridges.
#pragma once

#include <string>
#include <vector>

#include "drivers/proxmox/build.hpp"
#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

struct Placement {
  std::string node;
  Foundation on;  // without a number
};

// The node that the site names, else of those that have every storage and network the one with the
// most room on its fullest storage. Errc::not_found names what no node has; Errc::unavailable: too
// little room.
Result<Placement> place(const Cluster& cluster, const Settings& settings, const MachineSpec& spec);

// Whether a number is nobody's: of containers, and of machines that this login may not see, too.
Result<bool> is_free(Api& api, const std::string& vmid, std::string_view what, const Call& call);

// "9001" of "vm-9001-data".
std::string vmid_of_disk(const std::string& name);

// The last number of the site's range that nobody has: whoever makes machines takes the first.
Result<std::string> last_free_vmid(Context& context, const Call& call);

// The first number of the site's range that nobody has. Errc::unavailable: none is left.
Result<std::string> free_vmid(Context& context, const std::vector<MachineHere>& machines,
                              unsigned not_below, const Call& call);

}  // namespace flyt::proxmox
