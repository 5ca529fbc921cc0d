#include "base/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace flyt {

RateLimit::RateLimit(std::uint64_t bytes_per_second, std::uint64_t burst_bytes)
    : rate_(static_cast<double>(bytes_per_second)),
      burst_(static_cast<double>(burst_bytes)),
      tokens_(burst_) {}

// The bucket may go into debt: a request larger than the burst still passes, and pays by waiting.
std::chrono::nanoseconds RateLimit::take(std::uint64_t bytes,
                                         std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (rate_ <= 0) return {};
  if (now > last_) {
    const double seconds = std::chrono::duration<double>(now - last_).count();
    tokens_ = std::min(burst_, tokens_ + seconds * rate_);
    last_ = now;
  }
  tokens_ -= static_cast<double>(bytes);
  if (tokens_ >= 0) return {};
  constexpr double longest = 24.0 * 3600 * 365;  // keeps the nanoseconds in range
  const std::chrono::duration<double> pause(std::min(longest, -tokens_ / rate_));
  return std::chrono::nanoseconds(std::llround(pause.count() * 1e9));
}

}  // namespace flyt
