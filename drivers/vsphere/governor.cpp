#include "drivers/vsphere/governor.hpp"

#include <algorithm>

namespace flyt::vsphere {
namespace {

constexpr std::chrono::milliseconds first_pause{250}, longest_pause{8000};
// How often a wait looks whether its call has been stopped or is over.
constexpr std::chrono::milliseconds look_again{100};

}  // namespace

Status Governor::enter(const Call& call) {
  std::unique_lock lock(mutex_);
  for (;;) {
    FLYT_TRY(proceed(call, "waiting for the server"));
    const auto now = Clock::now();
    if (out_ < limit_ && now >= not_before_) break;
    const auto until = out_ < limit_ ? std::min(not_before_, now + look_again) : now + look_again;
    free_.wait_until(lock, call.stop, until, [] { return false; });
  }
  ++out_;
  return {};
}

void Governor::leave() {
  --out_;
  if (spared_ > 0) --spared_;
  free_.notify_one();
}

void Governor::succeeded() {
  const std::lock_guard lock(mutex_);
  leave();
  pause_ = std::chrono::milliseconds{0};
  if (limit_ == most_ || ++successes_ < limit_) return;
  successes_ = 0;
  ++limit_;
}

void Governor::refused() {
  const std::lock_guard lock(mutex_);
  const bool counted = spared_ > 0;
  leave();
  if (counted) return;
  limit_ = std::max(1U, limit_ / 2);
  successes_ = 0;
  spared_ = out_;
  pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
  not_before_ = Clock::now() + pause_;
}

void Governor::left() {
  const std::lock_guard lock(mutex_);
  leave();
}

}  // namespace flyt::vsphere
