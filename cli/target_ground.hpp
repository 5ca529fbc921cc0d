// On whose ground a target stands, from what the site states and what the platform itself says.
#pragma once

#include <string>
#include <vector>

#include "base/inventory.hpp"
#include "base/site.hpp"
#include "base/verdict.hpp"

namespace flyt::cli {

// What the site states alone: nobody is asked.
std::vector<Verdict> judge_stated(const Site& site, const EndpointConfig& target,
                                  const std::string& today);

// The same with the platform's word. A host that says otherwise makes the whole target FAIL: a
// machine may land on it.
std::vector<Verdict> judge_target(const Site& site, const EndpointConfig& target,
                                  const Inventory& seen, const std::string& today);

bool breaks_policy(const std::vector<Verdict>& ground);

}  // namespace flyt::cli
