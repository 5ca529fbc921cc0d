#include "base/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/identity.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

Errc code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::denied;
    case EEXIST:
      return Errc::exists;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Errc::invalid;
    case ENOTSUP:
    case ENOSYS:
      return Errc::unsupported;
    case ETIMEDOUT:
      return Errc::timed_out;
    case EBADF:
    case EFAULT:
    case EINVAL:
      return Errc::internal;
    default:
      return Errc::unavailable;
  }
}

Error file_error(std::string_view action, const fs::path& path, int number) {
  return system_error(fmt::format("cannot {} {}", action, path.native()), number);
}

// Or errno says why not.
bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Status sync_folder(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return file_error("sync", folder, errno);
  return ok();
}

// Its close is checked: some file systems report a full disk only there. Errors name `path`, for
// which `beside` stands.
Status write_synced(const fs::path& beside, std::string_view content, unsigned mode,
                    const fs::path& path) {
  FileDescriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return file_error("create", path, errno);
  if (!write_all(fd.get(), content)) return file_error("write", path, errno);
  if (::fsync(fd.get()) != 0) return file_error("sync", path, errno);
  if (::close(fd.release()) != 0) return file_error("close", path, errno);
  return ok();
}

bool is_private(const struct stat& found) {
  return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077U) == 0;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int FileDescriptor::release() noexcept { return std::exchange(fd_, -1); }

Error system_error(std::string_view what, int number) {
  Error error{code_of(number),
              fmt::format("{}: {}", what, std::generic_category().message(number))};
  if (number == ENOSPC || number == EDQUOT) {
    error.remedy = {"make room there (df -h shows it), then run the same command again"};
  }
  return error;
}

Status write_durably(const fs::path& path, std::string_view content, unsigned mode) {
  if (!path.has_filename())
    return Error{Errc::invalid, fmt::format("{} names no file", path.native())};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  // A short name, so that any legal `path` has a legal neighbour.
  const fs::path beside = folder / (".flyt-" + random_uuid());
  Status done = write_synced(beside, content, mode, path);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0)
    done = file_error("replace", path, errno);
  if (!done) {
    ::unlink(beside.c_str());
    return done;
  }
  return sync_folder(folder);
}

Result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return file_error("open", path, errno);
  constexpr std::size_t step = std::size_t{64} << 10;
  std::string content;
  for (;;) {
    const std::size_t have = content.size();
    content.resize(have + step);
    const ssize_t got = ::read(fd.get(), content.data() + have, step);
    const int number = errno;
    content.resize(have + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && number != EINTR) return file_error("read", path, number);
    if (content.size() > limit) {
      return Error{Errc::invalid, fmt::format("{} is larger than {} bytes", path.native(), limit)};
    }
    if (got == 0) return content;
  }
}

Status make_private_folder(const fs::path& path) {
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  std::error_code failed;
  if (clean.has_parent_path()) fs::create_directories(clean.parent_path(), failed);
  if (failed) return file_error("create", clean.parent_path(), failed.value());
  if (::mkdir(clean.c_str(), 0700) == 0) return ok();
  if (errno != EEXIST) return file_error("create", clean, errno);
  struct stat found {};
  if (::lstat(clean.c_str(), &found) != 0) return file_error("look at", clean, errno);
  if (is_private(found)) return ok();
  Error error{Errc::denied, fmt::format("{} is not a folder for us alone", clean.native())};
  error.seen = fmt::format("owner {}, mode {:04o}{}", found.st_uid, found.st_mode & 07777U,
                           S_ISDIR(found.st_mode) ? "" : ", not a folder");
  if (S_ISDIR(found.st_mode) && found.st_uid == ::geteuid()) {
    error.remedy = {fmt::format("chmod 700 '{}'", clean.native())};
  } else {
    error.remedy = {"choose another folder, or move this one away"};
  }
  return error;
}

}  // namespace flyt
