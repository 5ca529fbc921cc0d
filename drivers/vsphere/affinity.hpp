// What a cluster has been told about where its machines may run.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <vector>

#include "base/inventory.hpp"

namespace flyt::vsphere {

// The rules in force. `configuration`: configurationEx of the cluster named `cluster`.
std::vector<AffinityRule> rules_of(pugi::xml_node configuration, const std::string& cluster);

}  // namespace flyt::vsphere
