#include "drivers/vsphere/byte_pipe.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace flyt::vsphere {

template <typename Ready>
Status BytePipe::wait_for(std::unique_lock<std::mutex>& lock, const Call& call, Ready ready) {
  while (!ready()) {
    FLYT_TRY(proceed(call, what_));
    // An hour at a time: some clocks overflow on times that lie centuries ahead.
    const auto until = call.within(std::chrono::hours(1)).deadline;
    (void)changed_.wait_until(lock, call.stop, until, ready);
  }
  return ok();
}

std::size_t BytePipe::take_in(std::span<const std::byte> data) {
  const std::size_t end = (begin_ + held_) % ring_.size();
  const std::size_t count = std::min({data.size(), ring_.size() - held_, ring_.size() - end});
  std::copy_n(data.begin(), count, ring_.begin() + static_cast<std::ptrdiff_t>(end));
  held_ += count;
  return count;
}

std::size_t BytePipe::give_out(std::span<std::byte> out) {
  const std::size_t count = std::min({out.size(), held_, ring_.size() - begin_});
  std::copy_n(ring_.begin() + static_cast<std::ptrdiff_t>(begin_), count, out.begin());
  begin_ = (begin_ + count) % ring_.size();
  held_ -= count;
  return count;
}

Status BytePipe::put(std::span<const std::byte> data, const Call& call) {
  std::unique_lock lock(mutex_);
  while (!data.empty()) {
    FLYT_TRY(wait_for(lock, call, [this] { return failed_ || held_ < ring_.size(); }));
    if (failed_) return *failed_;
    data = data.subspan(take_in(data));
    changed_.notify_all();
  }
  return ok();
}

void BytePipe::end() {
  const std::lock_guard lock(mutex_);
  if (!failed_) ended_ = true;
  changed_.notify_all();
}

void BytePipe::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (!ended_ && !failed_) failed_ = std::move(error);
  changed_.notify_all();
}

Result<std::size_t> BytePipe::read(std::span<std::byte> out, const Call& call) {
  std::unique_lock lock(mutex_);
  FLYT_TRY(proceed(call, what_));
  FLYT_TRY(wait_for(lock, call, [this] { return held_ != 0 || ended_ || failed_; }));
  if (held_ == 0 && failed_) return *failed_;
  std::size_t count = give_out(out);
  count += give_out(out.subspan(count));  // where the ring begins again
  changed_.notify_all();
  return count;
}

}  // namespace flyt::vsphere
