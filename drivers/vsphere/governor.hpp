// How many requests may be out at once at a server that may have enough of us.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/call.hpp"

namespace flyt::vsphere {

// Thread-safe. Begins with all that are allowed. A refusal halves the number, once for all requests
// that were out together, and makes everybody wait, each time twice as long; successes give the
// number back, one for every round of them (additive increase, multiplicative decrease).
class Governor {
 public:
  using Clock = std::chrono::steady_clock;
  // REQUIRES: most > 0.
  explicit Governor(unsigned most) : most_(most), limit_(most) {}

  // Waits for a place. Each success must be followed by one of the three below.
  Status enter(const Call& call);
  void succeeded();
  void refused();  // the server is busy
  void left();     // neither

 private:
  void leave();  // REQUIRES: mutex_ held

  const unsigned most_;
  std::mutex mutex_;
  std::condition_variable_any free_;
  unsigned limit_, out_ = 0, successes_ = 0;
  unsigned spared_ = 0;  // requests that were out when the last refusal came: theirs do not count
  std::chrono::milliseconds pause_{0};
  Clock::time_point not_before_{};
};

}  // namespace flyt::vsphere
