// What every call that may take time carries: a way to stop it and a moment when to give up.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/result.hpp"

namespace flyt {

struct Call {
  std::stop_token stop = {};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();

  // The same stop, and `at_most` from now or the deadline, whichever is earlier.
  Call within(std::chrono::nanoseconds at_most) const;
  std::chrono::nanoseconds left() const;  // never negative
};

// Errc::cancelled when a stop was requested, Errc::timed_out past the deadline, else success.
Status proceed(const Call& call, std::string_view what);

// Waits for `duration`, less when stopped or past the deadline; then as proceed(). Not for drivers.
Status wait(std::chrono::nanoseconds duration, const Call& call, std::string_view what);

}  // namespace flyt
