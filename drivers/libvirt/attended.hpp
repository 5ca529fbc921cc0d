// libvirt's calls cannot be interrupted. Work that makes them goes on in a thread of its own, and
// is left there when it hears of a stop or a deadline no more.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt::virt {

// How long work that can be reached still gets, to end by itself and tidy up.
constexpr std::chrono::seconds attention{2};

// Success: `ended` holds. Else why nobody waits any longer; `lock` guards what `ended` looks at.
Status attend(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
              const std::function<bool()>& ended, const Call& call, std::string_view what);

// What `work`, which returns a Result, comes to. Errc::cancelled, timed_out: it was left behind. It
// must own all that it uses, since it may outlive everybody; it still starts no change that it asks
// proceed() for. One that ends in time is gone, with all that it owns, before this returns.
template <typename Work>
std::invoke_result_t<Work&> attended(std::string_view what, const Call& call, Work work) {
  using Answer = std::invoke_result_t<Work&>;
  struct Shared {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<Answer> answer;
  };
  auto shared = std::make_shared<Shared>();
  std::thread([shared, owned = std::optional(std::move(work))]() mutable {
    Answer answer = (*owned)();
    owned.reset();
    const std::lock_guard lock(shared->mutex);
    shared->answer = std::move(answer);
    shared->changed.notify_all();
  }).detach();
  std::unique_lock lock(shared->mutex);
  const auto ended = [&] { return shared->answer.has_value(); };
  FLYT_TRY(attend(lock, shared->changed, ended, call, what));
  return *std::move(shared->answer);
}

}  // namespace flyt::virt
