// QEMU pauses a guest whose disk image finds no space, and waits for an administrator: a conversion
// whose overlay ran full would never end, and say nothing. So it is ended before.
#include "movers/convert/room.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/units.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t least_room = 16 * mib;
constexpr std::chrono::seconds look_every{1};

}  // namespace

Status check_room(const std::filesystem::path& folder) {
  struct statvfs about {};
  if (::statvfs(folder.c_str(), &about) != 0) return system_error(folder.native(), errno);
  // What a file system keeps back is root's to use.
  const std::uint64_t blocks = ::geteuid() == 0 ? about.f_bfree : about.f_bavail;
  const std::uint64_t room = blocks * about.f_frsize;
  if (room >= least_room) return ok();
  return Error{.code = Errc::unavailable,
               .what = fmt::format("no room for what it changes in {}", folder.native()),
               .seen = fmt::format("{} are free, at least {} are needed", format_size(room),
                                   format_size(least_room)),
               .why = "the disk of the state folder is full",
               .state = "the copied disks are as they were: the conversion works in an overlay",
               .remedy = {"make room there (df -h shows it), then run the same command again"}};
}

Result<Finished> run_with_room(const Command& command, const std::filesystem::path& folder,
                               const Call& call) {
  FLYT_TRY(check_room(folder));
  std::stop_source stop;
  const std::stop_callback pass_on(call.stop, [&stop] { stop.request_stop(); });
  Status room = ok();
  const auto watch = [&](const std::stop_token& ended) {
    while (room && wait(look_every, {.stop = ended}, "watching room")) room = check_room(folder);
    if (!room) stop.request_stop();
  };
  std::jthread watcher(watch);
  auto finished = run(command, {.stop = stop.get_token(), .deadline = call.deadline});
  watcher.request_stop();
  watcher.join();
  if (!room && (!finished || finished->status != 0)) return std::move(room).error();
  return finished;
}

}  // namespace flyt
