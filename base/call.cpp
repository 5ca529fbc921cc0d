#include "base/call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace flyt {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

nanoseconds Call::left() const {
  // max() - now cannot overflow: the clock never shows a negative time.
  return std::max(nanoseconds::zero(), nanoseconds(deadline - steady_clock::now()));
}

Call Call::within(nanoseconds at_most) const {
  const auto now = steady_clock::now();
  if (deadline <= now || at_most >= deadline - now) return *this;
  return {stop, now + at_most};
}

Status proceed(const Call& call, std::string_view what) {
  if (call.stop.stop_requested()) return Error{Errc::cancelled, fmt::format("{}: stopped", what)};
  if (call.deadline <= steady_clock::now()) {
    return Error{Errc::timed_out, fmt::format("{}: not done in the time given", what)};
  }
  return ok();
}

Status wait(nanoseconds duration, const Call& call, std::string_view what) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  // A day at a time: some clocks overflow on times that lie centuries ahead.
  const auto until = call.within(duration).deadline;
  while (!call.stop.stop_requested() && steady_clock::now() < until) {
    const auto next = std::min(until, steady_clock::now() + std::chrono::hours(24));
    never.wait_until(lock, call.stop, next, [] { return false; });
  }
  return proceed(call, what);
}

}  // namespace flyt
