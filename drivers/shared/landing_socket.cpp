#include "drivers/shared/landing_socket.hpp"

#include <fmt/format.h>

#include <optional>

#include "drivers/shared/landing_ssh.hpp"

namespace flyt {
namespace {

constexpr std::string_view found_at = "flyt-landing: socket ";

// Stays until its standard input ends, as the connection needs it.
constexpr const char* script = R"sh(
number=0
for path do
    if [ -S "$path" ]; then
        [ -w "$path" ] || { echo "flyt-landing: closed $path"; exit 3; }
        echo "flyt-landing: socket $number"
        exec cat >/dev/null
    fi
    number=$((number + 1))
done
exit 44
)sh";

Error not_there(const LandingHost& host, const std::vector<std::string>& paths) {
  return {Errc::not_found,
          fmt::format("{}: there is no socket {}", host.name, fmt::join(paths, " and no ")),
          "",
          "its daemon is not installed, or does not run",
          "",
          {}};
}

// The number of the path; nothing: none is there.
Result<std::optional<std::size_t>> number_from(Process& process, const LandingHost& host,
                                               const Call& call) {
  bool begun = false;
  for (;;) {
    FLYT_ASSIGN(const auto line, within(host.name, process.read_line(call)));
    if (!line) break;
    begun = begun || *line == landing_begins;
    if (line->starts_with("flyt-landing: closed ")) {
      return Error{Errc::denied, fmt::format("{}: the socket {} is closed to this user", host.name,
                                             line->substr(line->rfind(' ') + 1))};
    }
    if (line->starts_with(found_at)) {
      return std::optional<std::size_t>(line->back() - '0');  // as many as there are paths: few
    }
  }
  (void)process.wait(call.within(std::chrono::seconds(2)));  // its errors come before its end
  if (begun) return std::optional<std::size_t>();
  return ssh_error(*host.ssh, process.errors());
}

}  // namespace

Result<LandingSocket> LandingSocket::open(const LandingHost& host,
                                          const std::vector<std::string>& paths, const Call& call) {
  FLYT_ASSIGN(PrivateFolder folder, PrivateFolder::make("flyt-socket"));
  std::vector<std::string> forwards;
  for (const std::string& path : paths) {
    forwards.push_back(fmt::format("{}/{}:{}", folder.path().native(), forwards.size(), path));
  }
  std::vector<std::string> argv{"sh", "-c", script, "flyt-landing"};
  argv.insert(argv.end(), paths.begin(), paths.end());
  FLYT_ASSIGN(Process process, Process::start({ssh_words(*host.ssh, forwards, argv, call)}));
  FLYT_ASSIGN(const auto number, number_from(process, host, call));
  if (!number) return not_there(host, paths);
  LandingSocket socket(std::move(folder), std::move(process));
  socket.path_ = socket.folder_.path() / std::to_string(*number);
  return socket;
}

}  // namespace flyt
