#include "plans/lease.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace flyt {
namespace {

std::string holder_in(int file) {
  std::array<char, 256> buffer{};
  const ssize_t size = pread(file, buffer.data(), buffer.size(), 0);
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "a process";
}

// A migration id becomes a file name: nothing else may.
bool is_name(const std::string& machine) {
  return !machine.empty() && machine.front() != '.' && machine.find('/') == std::string::npos;
}

}  // namespace

std::string lease_holder() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("pid {} at {}", getpid(), host.data());
}

Result<FileDescriptor> lock_lease(const std::filesystem::path& folder, const std::string& machine) {
  if (!is_name(machine))
    return Error{Errc::invalid, fmt::format("{:?} is no migration id", machine)};
  const auto path = folder / machine;
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(path.string(), errno);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(path.string(), errno);
    return Error{.code = Errc::exists,
                 .what = "another flyt works on this machine",
                 .seen = holder_in(file.get()),
                 .state = "nothing was done to it",
                 .remedy = {"wait for it, or stop it, then run the same command again"}};
  }
  const std::string holder = lease_holder();
  // Only for people: the lock itself is what counts.
  if (ftruncate(file.get(), 0) != 0 ||
      pwrite(file.get(), holder.data(), holder.size(), 0) != static_cast<ssize_t>(holder.size())) {
    return system_error(path.string(), errno);
  }
  return file;
}

void unlock_lease(const FileDescriptor& lock) {
  if (lock) (void)flock(lock.get(), LOCK_UN);  // closing it does the same a little later
}

std::string lease_held_by(const std::filesystem::path& folder, const std::string& machine) {
  if (!is_name(machine)) return {};
  const FileDescriptor file(open((folder / machine).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file || flock(file.get(), LOCK_SH | LOCK_NB) == 0) return {};
  return holder_in(file.get());
}

}  // namespace flyt
