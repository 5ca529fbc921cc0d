#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>

#include "base/durable_file.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view lock_name = "lock";  // held as long as the folder's process lives
constexpr std::time_t young = 60;  // seconds in which a new folder gets its lock at the latest

bool is_private_folder(const struct stat& found) {
  return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077U) == 0;
}

fs::path base_folder() {
  // A socket's path has at most 107 characters; a long base would leave none for its name.
  constexpr std::size_t longest_base = 40;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  struct stat found {};
  const bool fits = runtime != nullptr && runtime[0] == '/' &&
                    fs::path(runtime).native().size() <= longest_base &&
                    ::lstat(runtime, &found) == 0 && is_private_folder(found);
  return fits ? runtime : "/tmp";
}

FileDescriptor lock_in(const fs::path& folder, int flags) {
  FileDescriptor lock(
      ::open((folder / lock_name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return lock;
}

void remove_if_left(const fs::path& folder) {
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0 || !is_private_folder(found) ||
      std::time(nullptr) - found.st_mtime < young) {
    return;
  }
  const FileDescriptor lock = lock_in(folder, 0);
  std::error_code ignored;  // the next one may have more luck
  if (lock) fs::remove_all(folder, ignored);
}

// What processes left that were killed: nothing else of theirs would ever remove it.
void sweep(const fs::path& base, const std::string& start) {
  std::error_code failed;
  for (fs::directory_iterator at(base, failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    if (at->path().filename().native().starts_with(start)) remove_if_left(at->path());
  }
}

}  // namespace

Result<PrivateFolder> PrivateFolder::make(std::string_view prefix) {
  const fs::path base = base_folder();
  const std::string start = fmt::format("{}-", prefix);
  sweep(base, start);
  std::string name = (base / (start + "XXXXXX")).native();
  if (::mkdtemp(name.data()) == nullptr) return system_error("cannot create " + name, errno);
  PrivateFolder folder{fs::path(name)};
  folder.lock_ = lock_in(folder.path(), O_CREAT | O_EXCL);
  if (!folder.lock_) return system_error(fmt::format("cannot lock {}", name), errno);
  return folder;
}

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

PrivateFolder::~PrivateFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // a leftover is removed by the next process
  fs::remove_all(path_, ignored);
}

}  // namespace flyt
