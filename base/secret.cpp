#include "base/secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/durable_file.hpp"
#include "base/process.hpp"

namespace flyt {
namespace {

constexpr std::size_t longest_secret = std::size_t{64} << 10;

// Wipes a buffer that held a secret when it goes out of scope.
class Wiped {
 public:
  explicit Wiped(std::string& text) : text_(text) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { ::explicit_bzero(text_.data(), text_.size()); }

 private:
  std::string& text_;
};

// The first line, without its end.
Result<Secret> first_line(std::string_view text, std::string_view where) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  if (line.empty()) return Error{Errc::not_found, fmt::format("{} holds no secret", where)};
  return Secret(std::string(line));
}

Result<Secret> from_file(const std::filesystem::path& path) {
  const std::string where = fmt::format("the secret file {}", path.native());
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    Error error = system_error(fmt::format("cannot open {}", where), errno);
    error.remedy = {fmt::format("(umask 077; cat > '{}')", path.native())};
    return error;
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return system_error(where, errno);
  if (S_ISREG(found.st_mode) && (found.st_mode & 077U) != 0) {
    Error error{Errc::denied, fmt::format("{} can be read by others", where)};
    error.seen = fmt::format("mode {:04o}", found.st_mode & 07777U);
    error.remedy = {fmt::format("chmod 600 '{}'", path.native())};
    return error;
  }
  std::string content(longest_secret, '\0');
  const Wiped wiped(content);
  std::size_t have = 0;
  while (have < content.size()) {
    const ssize_t got = ::read(fd.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(fmt::format("cannot read {}", where), errno);
    if (got == 0) return first_line(std::string_view(content).substr(0, have), where);
    have += static_cast<std::size_t>(got);
  }
  return Error{Errc::invalid, fmt::format("{} is larger than 64 KiB", where)};
}

Result<Secret> from_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  const std::string where = fmt::format("the environment variable {}", name);
  if (value == nullptr) {
    Error error{Errc::not_found, fmt::format("{} is not set", where)};
    error.remedy = {fmt::format("read -rs {0}; export {0}", name)};
    return error;
  }
  return first_line(value, where);
}

Result<Secret> from_command(const std::string& line, const std::filesystem::path& folder,
                            const Call& call) {
  const std::string where = fmt::format("the secret command \"{}\"", line);
  Command command{{"/bin/sh", "-c", line}};
  command.folder = folder;
  auto finished = run(command, call);
  if (!finished) {
    Error error = std::move(finished.error()).within(where);
    error.seen.clear();  // might hold what the command was asked for
    return error;
  }
  const Wiped output(finished->output), errors(finished->errors);
  if (finished->status != 0) {
    Error error{Errc::denied, fmt::format("{} ended with status {}", where, finished->status)};
    error.remedy = {line};
    return error;
  }
  return first_line(finished->output, where);
}

}  // namespace

Secret::~Secret() { wipe(); }

// All of the buffer, also what lies behind a shorter text; resize() within it moves nothing.
void Secret::wipe() noexcept {
  text_.resize(text_.capacity());
  ::explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

Result<Secret> resolve(const SecretSource& source, const std::filesystem::path& folder,
                       const Call& call) {
  switch (source.kind) {
    case SecretSource::Kind::none:
      return Secret();
    case SecretSource::Kind::file:
      return from_file(folder / source.value);
    case SecretSource::Kind::env:
      return from_environment(source.value);
    case SecretSource::Kind::command:
      return from_command(source.value, folder, call);
  }
  return Error{Errc::internal, "a secret of unknown kind"};
}

}  // namespace flyt
