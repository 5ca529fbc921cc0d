#include "drivers/proxmox/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "base/durable_file.hpp"
#include "base/poll.hpp"
#include "base/websocket.hpp"
#include "drivers/proxmox/inventory.hpp"

namespace flyt::proxmox {
namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 200ms;
constexpr auto later_looks = 2s;
constexpr auto eager = 30s;
constexpr auto patience = 10min;      // for the machine to be switched on
constexpr auto login_patience = 30s;  // what termproxy itself waits is 10 s
constexpr auto sign_of_life = 30s;    // what is silent is cut off on the way after minutes
constexpr auto between_tries = 1s;
constexpr int most_tries = 20, most_refusals = 3;

// The words of `qm terminal` itself, before those of the guest.
constexpr std::string_view banner = "starting serial terminal on interface";
constexpr std::size_t longest_banner = 256;

Status write_all(int fd, std::string_view text, const std::filesystem::path& file) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_error(fmt::format("writing {}", file.native()), errno);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return ok();
}

Result<FileDescriptor> open_log(const std::filesystem::path& file, int flags) {
  constexpr mode_t only_mine = 0600;
  FileDescriptor log(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, only_mine));
  if (!log) return system_error(fmt::format("opening {}", file.native()), errno);
  return log;
}

// One look at a connection: `said` grows by what came.
enum class Came : std::uint8_t { words, nothing, end };
Result<Came> look(WebSocket& web, std::string& said, const Call& call) {
  auto message = web.receive(call.within(sign_of_life));
  if (message && *message) {
    said += **message;
    return Came::words;
  }
  if (message || message.error().code == Errc::unavailable) return Came::end;
  if (message.error().code != Errc::timed_out) return std::move(message).error();
  FLYT_TRY(proceed(call, "listening to a console"));
  FLYT_TRY(web.send("2", call));
  return Came::nothing;
}

// Until termproxy has said that it takes the ticket; what it said more.
Result<std::string> log_in(WebSocket& web, const Row& terminal, const std::string& what,
                           const Call& call) {
  const Secret line(fmt::format("{}:{}\n", terminal.text("user"), terminal.text("ticket")));
  FLYT_TRY(web.send(line.reveal(), call));
  std::string said;
  while (said.size() < 2) {
    FLYT_ASSIGN(const Came came, look(web, said, call));
    if (came != Came::end) continue;
    Error error{Errc::denied, fmt::format("{}: its login is refused", what)};
    if (terminal.text("user").find('!') != std::string::npos) {
      error.why = "before 9.1 Proxmox VE takes no API token at a console";
      error.remedy = {"user = \"...\" and password instead of a token"};
    }
    return error;
  }
  if (!said.starts_with("OK")) {
    return Error{Errc::corrupt, fmt::format("{}: this is no termproxy", what)};
  }
  return said.substr(2);
}

// Whether what was said begins with these words, or may do so once it goes on.
bool may_begin(std::string_view said, std::string_view words) {
  const std::size_t both = std::min(said.size(), words.size());
  return said.substr(0, both) == words.substr(0, both);
}

// Takes the words of `qm terminal` off. Nothing: there may be more of them.
std::optional<std::string> without_banner(const std::string& said) {
  if (!may_begin(said, banner)) return said;
  const auto end = said.find('\n');
  if (end == std::string::npos && said.size() < longest_banner) return std::nullopt;
  return end == std::string::npos ? said : said.substr(end + 1);
}

}  // namespace

bool consoles_take_tokens(std::string_view version) {
  return !version.starts_with("7.") && !version.starts_with("8.") && !version.starts_with("9.0");
}

Status begin_console_log(const std::filesystem::path& file) {
  const std::filesystem::path beside = file.native() + ".new";
  FLYT_ASSIGN(const FileDescriptor log, open_log(beside, O_TRUNC));
  std::error_code failed;
  std::filesystem::rename(beside, file, failed);
  if (failed) return system_error(fmt::format("renaming {}", beside.native()), failed.value());
  return ok();
}

Terminal::Terminal(Api& api, MachineHere here, std::filesystem::path file)
    : api_(api),
      here_(std::move(here)),
      file_(std::move(file)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Terminal::State Terminal::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Terminal::run(const std::stop_token& stop) {
  const Call call{stop};
  Status done = wait_until_on(call);
  for (int tries = 0, refusals = 0; done && tries < most_tries; ++tries) {
    done = hear(call);
    // A login that breaks off looks like one that is refused.
    const bool refused = !done && done.error().code == Errc::denied;
    const bool once_more = refused && ++refusals < most_refusals;
    if (!done && (once_more || is_transient(done.error().code))) done = ok();
    if (!done || !proceed(call, "")) break;
    const auto on = runs(call);
    if (on && !*on) break;
    (void)poll({}, call.within(between_tries), "");
  }
  const std::lock_guard lock(mutex_);
  if (done) {
    state_.why = "the machine is off, or its console cannot be kept open";
    return;
  }
  const Error& error = done.error();
  state_.why = error.what;
  if (!error.seen.empty()) state_.why += ": " + error.seen;
  if (!error.why.empty()) state_.why += fmt::format(" ({})", error.why);
}

Result<bool> Terminal::runs(const Call& call) {
  FLYT_ASSIGN(const Power power, power_now(api_, here_, call));
  return power != Power::off;
}

Status Terminal::wait_until_on(const Call& call) {
  const std::string what = fmt::format("waiting until {} runs", here_.vmid);
  const Call patient = call.within(patience), soon = call.within(eager);
  for (;;) {
    const auto on = runs(patient);
    if (on && *on) return ok();
    if (!on && !is_transient(on.error().code)) return on.error();
    FLYT_TRY(proceed(patient, what));
    const auto pause = proceed(soon, what) ? between_looks : later_looks;
    const Status waited = poll({}, patient.within(pause), what);
    if (!waited && waited.error().code == Errc::cancelled) return waited.error();
  }
}

// Until the connection ends, which is a success.
Status Terminal::hear(const Call& call) {
  const std::string what = fmt::format("listening to the console of {}", here_.vmid);
  const Call soon = call.within(login_patience);
  const Api::Place place = api_.place();
  FLYT_ASSIGN(const std::string body,
              api_.request_at(place, Method::post, qemu_path(here_) + "/termproxy",
                              {{"serial", "serial0"}}, what, soon));
  FLYT_ASSIGN(const Row terminal, parse_row(body, what));
  FLYT_ASSIGN(WebSocket web, api_.web_socket(place, qemu_path(here_) + "/vncwebsocket",
                                             {{"port", terminal.text("port")},
                                              {"vncticket", terminal.text("ticket")}},
                                             what, soon));
  FLYT_ASSIGN(std::string said, log_in(web, terminal, what, soon));
  FLYT_ASSIGN(const FileDescriptor log, open_log(file_, O_APPEND));
  const std::string refusal = fmt::format("VM {} not running", here_.vmid);
  for (bool begun = false;;) {
    if (!begun) {
      if (said.starts_with(refusal)) return ok();
      const auto rest = may_begin(said, refusal) ? std::nullopt : without_banner(said);
      if (rest) {
        begun = true;
        said = *rest;
        const std::lock_guard lock(mutex_);
        state_.heard = true;
      }
    }
    if (begun) {
      written_ += said.size();
      if (written_ > most_console) return Error{Errc::invalid, what + ": it says too much"};
      FLYT_TRY(write_all(log.get(), said, file_));
      said.clear();
    }
    FLYT_ASSIGN(const Came came, look(web, said, call));
    if (came == Came::end) return ok();
  }
}

}  // namespace flyt::proxmox
