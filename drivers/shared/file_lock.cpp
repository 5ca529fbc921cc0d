#include "drivers/shared/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/call.hpp"

namespace flyt {

using std::chrono::milliseconds;

// flock() alone would not see a stop; its holders are quick, so looking again is cheap.
Result<FileLock> FileLock::take(const std::filesystem::path& path, const Call& call) {
  const std::string what = fmt::format("locking {}", path.native());
  FLYT_TRY(proceed(call, what));
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error(what, errno);
  for (milliseconds pause{1};; pause = std::min(2 * pause, milliseconds{16})) {
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(file));
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error(what, errno);
    FLYT_TRY(wait(pause, call, what));
  }
}

}  // namespace flyt
