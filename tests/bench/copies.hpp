// The benchmark `copy`: our mover against nbdcopy and qemu-img on the same servers.
#pragma once

#include <array>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 7> copy_parts{"version", "memory", "file",  "link",
                                                            "sparse",  "rss",    "resume"};

// Throws std::runtime_error.
void run_copies(const Wanted& bench);

}  // namespace flyt::bench
