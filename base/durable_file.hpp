// Files that must be whole or absent after a power cut, and the folders they stand in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flyt {

// Owns a file descriptor. -1: none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_ = -1;
};

// errno as an Error: `what` and the system's text; ENOENT not_found, EACCES/EPERM denied, EEXIST
// exists, ENOSPC/EDQUOT unavailable with a remedy, else unavailable or internal.
Error system_error(std::string_view what, int number);

// Written beside, synced, renamed over `path`, folder synced. On error `path` is as it was.
Status write_durably(const std::filesystem::path& path, std::string_view content,
                     unsigned mode = 0644);

// Whole content. Errc::invalid when larger than `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit);

// Creates `path` and its parents; `path` itself with mode 0700 and ours, else Errc::denied.
Status make_private_folder(const std::filesystem::path& path);

// Removed with its content when destroyed; after a kill -9, when a later process makes one of the
// same prefix. It holds a file `lock`. For sockets: the path is short (below /tmp or
// $XDG_RUNTIME_DIR) and 0700.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make(std::string_view prefix);
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder();
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  FileDescriptor lock_;
};

}  // namespace flyt
