// A lock between threads and processes that the operating system releases when its holder dies.
#pragma once

#include <filesystem>

#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

struct Call;

// Held until it is destroyed.
class FileLock {
 public:
  // Makes `path` where it is missing. Waits for another holder until the call's end.
  static Result<FileLock> take(const std::filesystem::path& path, const Call& call);

 private:
  explicit FileLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace flyt
