// The benchmark `ssh`: a disk read through a landing host by SSH, against what else could carry it.
#pragma once

#include <array>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 1> ssh_parts{"carried"};

// Throws std::runtime_error.
void run_ssh(const Wanted& bench);

}  // namespace flyt::bench
