#include "drivers/shared/process_mark.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include "base/call.hpp"
#include "base/durable_file.hpp"

namespace flyt {
namespace {

struct Stat {
  char state = 0;
  std::uint64_t start = 0;
};

// proc(5): the second field is the program's name in parentheses and may hold anything.
Result<Stat> read_stat(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text, '\0')) {
    return Error{Errc::not_found, fmt::format("there is no process {}", pid)};
  }
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return Error{Errc::internal, "/proc shows no process"};
  std::istringstream fields(text.substr(name_end + 1));
  Stat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> stat.start;
  if (!fields) return Error{Errc::internal, "/proc shows no start of a process"};
  return stat;
}

Result<bool> gone_within(int handle, std::chrono::milliseconds time) {
  pollfd wanted{handle, POLLIN, 0};
  const int count = ::poll(&wanted, 1, static_cast<int>(time.count()));
  if (count < 0 && errno != EINTR) return system_error("waiting for a process to end", errno);
  return count > 0;
}

}  // namespace

Result<ProcessMark> mark_process(int pid) {
  FLYT_ASSIGN(const Stat stat, read_stat(pid));
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  file >> boot;
  return ProcessMark{pid, stat.start, std::move(boot)};
}

bool is_running(const ProcessMark& mark) {
  const auto now = mark_process(mark.pid);
  if (!now || *now != mark) return false;
  const auto stat = read_stat(mark.pid);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

Status end_process(const ProcessMark& mark, const Call& call) {
  // The handle is opened before the mark is compared: it can then only mean this process.
  const FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, mark.pid, 0)));
  if (!is_running(mark)) return ok();
  const std::string what = fmt::format("ending process {}", mark.pid);
  if (!handle) return system_error(what, errno);
  constexpr int turns_to_term = 20;
  constexpr std::chrono::milliseconds turn{50};
  for (int count = 0;; ++count) {
    if (count == 0 || count == turns_to_term) {
      const int signal = count == 0 ? SIGTERM : SIGKILL;
      if (::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0 &&
          errno != ESRCH) {
        return system_error(what, errno);
      }
    }
    FLYT_ASSIGN(const bool gone, gone_within(handle.get(), turn));
    if (gone) return ok();
    FLYT_TRY(proceed(call, what));
  }
}

}  // namespace flyt
