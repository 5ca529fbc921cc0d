#include "drivers/libvirt/attended.hpp"

#include <algorithm>
#include <string>

namespace flyt::virt {
namespace {

constexpr std::chrono::hours longest_wait{1};  // `now` and a call without an end would overflow

}  // namespace

Status attend(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
              const std::function<bool()>& ended, const Call& call, std::string_view what) {
  Status going = ok();
  while (!ended() && (going = proceed(call, what))) {
    const auto until = std::chrono::steady_clock::now() +
                       std::min<std::chrono::nanoseconds>(call.left(), longest_wait);
    changed.wait_until(lock, call.stop, until, ended);
  }
  if (changed.wait_for(lock, attention, ended)) return ok();
  Error error = std::move(going).error();
  error.seen = "libvirt's daemon does not answer";
  error.why = "it hangs, or waits for a storage that does";
  error.state = "what it was asked for last may still happen";
  return error;
}

}  // namespace flyt::virt
