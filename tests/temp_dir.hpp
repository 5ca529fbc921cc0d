// A fresh folder for one test: removed when the test passed, kept and named when it failed.
#pragma once

#include <filesystem>

namespace flyt::tests {

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() = default;  // the folder lives until the test case ends

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Called by tests/main.cpp when a test case has ended.
void end_temp_dirs(bool test_passed);

}  // namespace flyt::tests
