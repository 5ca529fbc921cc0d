// A text that a program which we start may read as a file, and that is on no disk.
#pragma once

#include <string>
#include <string_view>

#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

// Gone with this object. Only processes of this user can open it, since its path leads through our
// own entry in /proc: what a child needs of it must be read before we end.
class PassedFile {
 public:
  static Result<PassedFile> make(std::string_view text);
  const std::string& path() const noexcept { return path_; }

 private:
  PassedFile(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  FileDescriptor file_;
  std::string path_;
};

}  // namespace flyt
