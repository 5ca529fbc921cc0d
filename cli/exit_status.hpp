// Exit statuses: the table of docs/cli.md, and which of several applies.
#pragma once

#include "base/result.hpp"

namespace flyt {

enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  policy = 3,
  drift = 4,
  stopped = 5,
  endpoint = 6,
  unverified = 7,
  interrupted = 130,
};

// The one that applies when both happened: 130, 2, 6, 3, 4, 1, 5, 7, 0.
ExitStatus worse(ExitStatus a, ExitStatus b) noexcept;

}  // namespace flyt
