// The benchmark `copy`: our mover against nbdcopy and qemu-img on the same servers.
#pragma once

#include <functional>

#include "tests/bench/measure.hpp"

namespace flyt::bench {

struct CopyBench {
  bool quick = false;  // an eighth of the data, one round: to see that it works
  std::function<void(const Row&)> out;
};
// Throws std::runtime_error.
void run_copies(const CopyBench& bench);

}  // namespace flyt::bench
