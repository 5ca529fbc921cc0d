// A token bucket that many copies may share: one per endpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace flyt {

// Thread-safe. A rate of 0 never delays.
class RateLimit {
 public:
  explicit RateLimit(std::uint64_t bytes_per_second, std::uint64_t burst_bytes = 8U << 20);
  // Takes `bytes` and says how long the caller should wait before using them; may be zero.
  std::chrono::nanoseconds take(std::uint64_t bytes, std::chrono::steady_clock::time_point now);

 private:
  std::mutex mutex_;
  double rate_, burst_, tokens_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace flyt
