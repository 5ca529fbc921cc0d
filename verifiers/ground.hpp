// Judging the ground: place, operator and owner, from what the site states, what the platform says
// and what the registry knows. docs/ground.md.
#pragma once

#include <vector>

#include "base/verdict.hpp"
#include "verifiers/registry.hpp"
#include "verifiers/verifier.hpp"

namespace flyt {

inline constexpr unsigned owner_months = 12, region_months = 24;

// In the order of GroundQuestion: place, operator, owner.
std::vector<Verdict> judge_ground(const GroundQuestion& question, const ProviderRegistry& registry);

}  // namespace flyt
