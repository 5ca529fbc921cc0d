#include "base/passed_file.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace flyt {

Result<PassedFile> PassedFile::make(std::string_view text) {
  FileDescriptor file(::memfd_create("flyt", MFD_CLOEXEC));
  if (!file) return system_error("cannot make a file in memory", errno);
  while (!text.empty()) {
    const ssize_t done = ::write(file.get(), text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return system_error("cannot write to a file in memory", errno);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), file.get());
  return PassedFile(std::move(file), std::move(path));
}

}  // namespace flyt
