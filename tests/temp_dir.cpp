#include "tests/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace flyt::tests {
namespace {

std::mutex mutex;

std::vector<std::filesystem::path>& open_dirs() {
  static std::vector<std::filesystem::path> dirs;
  return dirs;
}

}  // namespace

TempDir::TempDir() {
  auto pattern = (std::filesystem::temp_directory_path() / "flyt-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), pattern);
  }
  path_ = pattern;
  const std::lock_guard lock(mutex);
  open_dirs().push_back(path_);
}

void end_temp_dirs(bool test_passed) {
  const std::lock_guard lock(mutex);
  for (const auto& dir : std::exchange(open_dirs(), {})) {
    std::error_code ignored;  // what a test leaves locked away is not worth failing it
    if (test_passed) {
      std::filesystem::remove_all(dir, ignored);
    } else {
      std::cerr << "kept for a look: " << dir.string() << '\n';
    }
  }
}

}  // namespace flyt::tests
