// The benchmark `vsphere`: reading from the vSphere of tests/lab, against plain readers of the
// same.
#pragma once

#include <array>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 2> vsphere_parts{"inventory", "ranges"};

// Left out, and so told on standard error, where the lab cannot be built. Throws
// std::runtime_error.
void run_vsphere(const Wanted& bench);

}  // namespace flyt::bench
