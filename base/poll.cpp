#include "base/poll.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "base/durable_file.hpp"

namespace flyt {
namespace {

// Rounded up, so that a deadline has passed when poll(2) says so.
int timeout_of(const Call& call) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest{std::chrono::hours(24)};
  const auto left =
      std::chrono::ceil<milliseconds>(std::min(call.left(), std::chrono::nanoseconds(longest)));
  return static_cast<int>(left.count());
}

}  // namespace

Status poll(std::span<pollfd> watched, const Call& call, std::string_view what) {
  const FileDescriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stopped) return system_error(what, errno);
  const std::stop_callback wake(call.stop, [fd = stopped.get()] {
    const std::uint64_t one = 1;
    (void)!::write(fd, &one, sizeof one);  // cannot be full
  });
  std::vector<pollfd> all(watched.begin(), watched.end());
  all.push_back({stopped.get(), POLLIN, 0});
  for (;;) {
    FLYT_TRY(proceed(call, what));
    const int ready = ::poll(all.data(), all.size(), timeout_of(call));
    if (ready < 0 && errno != EINTR) return system_error(what, errno);
    if (ready <= 0 || all.back().revents != 0) continue;
    std::copy(all.begin(), all.end() - 1, watched.begin());
    return ok();
  }
}

}  // namespace flyt
