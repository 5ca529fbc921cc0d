// The benchmark `copy`: our mover against nbdcopy and qemu-img on the same servers.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

inline constexpr std::array<std::string_view, 7> copy_parts{"version", "memory", "file",  "link",
                                                            "sparse",  "rss",    "resume"};

struct CopyBench {
  bool quick = false;  // an eighth of the data, one round: to see that it works
  std::string part;    // one of copy_parts; empty: all
  std::function<void(const Row&)> out;
};
// Throws std::runtime_error.
void run_copies(const CopyBench& bench);

}  // namespace flyt::bench
