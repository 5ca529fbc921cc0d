#include "tests/bench/engine.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace flyt::bench {

bool say(const Error& error) {
  fmt::print(stderr, "flyt_bench: {}: {}\n", error.what, error.seen);
  return false;
}

bool copy_by_engine(const CopyRequest& request) {
  const auto report = make_mover()->copy(request, {});
  return report ? true : say(report.error());
}

}  // namespace flyt::bench
