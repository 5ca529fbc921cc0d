// What high availability has been told of where machines may run.
#pragma once

#include <vector>

#include "drivers/proxmox/cluster.hpp"

namespace flyt::proxmox {

// The rules of version 9 that are in force, or the groups of 8 that have machines. What the login
// may not see is not told.
std::vector<AffinityRule> read_affinity(Api& api, const Cluster& cluster, const Call& call);

}  // namespace flyt::proxmox
