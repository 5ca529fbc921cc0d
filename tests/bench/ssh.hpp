// The benchmark `ssh`: a disk read through a landing host by SSH, against what else could carry it.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 1> ssh_parts{"carried"};

struct SshBench {
  bool quick = false;  // an eighth of the data, one round: to see that it works
  std::string part;    // one of ssh_parts; empty: all
  std::function<void(const Row&)> out;
};
// Throws std::runtime_error.
void run_ssh(const SshBench& bench);

}  // namespace flyt::bench
