// A secret that cannot be printed by accident, and where it comes from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt {

// Its text is only reachable by name; there is no stream, fmt or JSON output. Wiped when destroyed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  bool empty() const noexcept { return text_.empty(); }
  const std::string& reveal() const noexcept { return text_; }

 private:
  void wipe() noexcept;

  std::string text_;
};

// `password = { file = "x" }`, `{ env = "X" }` or `{ command = "pass show x" }`.
struct SecretSource {
  enum class Kind : std::uint8_t { none, file, env, command };
  Kind kind = Kind::none;
  std::string value;
};

// Reads it now. A relative file is relative to `folder`. A file that others than its owner may read
// is Errc::denied; a command is run by /bin/sh with standard input closed, its first line is the
// secret. Errors name the source, never the content.
Result<Secret> resolve(const SecretSource& source, const std::filesystem::path& folder,
                       const Call& call);

}  // namespace flyt
