// The benchmark `vsphere`: reading from the vSphere of tests/lab, against plain readers of the
// same.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 2> vsphere_parts{"inventory", "ranges"};

struct VsphereBench {
  bool quick = false;  // less of everything, one round: to see that it works
  std::string part;    // one of vsphere_parts; empty: all
  std::function<void(const Row&)> out;
};
// Left out, and so told on standard error, where the lab cannot be built. Throws
// std::runtime_error.
void run_vsphere(const VsphereBench& bench);

}  // namespace flyt::bench
