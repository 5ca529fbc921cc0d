// Exit statuses: the table of docs/cli.md, and which of several applies.
#pragma once

#include <span>
#include <string_view>

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

// All of them as documented, the one that outweighs the others first.
struct ExitMeaning {
  ExitStatus status;
  std::string_view meaning;
};
std::span<const ExitMeaning> exit_meanings() noexcept;

// What was going on when an error came up; the same code means different things to a caller.
enum class Origin : std::uint8_t {
  setup,     // arguments, site file, plan, secrets: before anything was done
  endpoint,  // talking to a platform
  work,      // all else
};

// The status of an error.
ExitStatus status_of(Errc code, Origin origin) noexcept;

}  // namespace flyt
