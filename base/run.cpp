#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/poll.hpp"
#include "base/process.hpp"
#include "base/spawn.hpp"

namespace flyt {
namespace {

constexpr std::size_t most_output = std::size_t{16} << 20;
constexpr std::size_t kept_errors = std::size_t{64} << 10;
constexpr std::size_t shown_errors = std::size_t{4} << 10;
constexpr std::chrono::seconds patience{5};

// Cuts a stream into lines for a callback.
class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& tell) : tell_(tell) {}

  void add(std::string_view text) {
    if (!tell_) return;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      pending_ += text.substr(0, end);
      text.remove_prefix(end + 1);
      tell_(std::exchange(pending_, {}));
    }
    pending_ += text;
  }

  void finish() {
    if (!pending_.empty()) tell_(std::exchange(pending_, {}));
  }

 private:
  const std::function<void(std::string_view)>& tell_;
  std::string pending_;
};

class Run {
 public:
  Run(const Command& command, Spawned child)
      : command_(command),
        child_(std::move(child)),
        input_(command.input),
        output_lines_(command.on_output),
        error_lines_(command.on_error) {
    (void)::fcntl(child_.input.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    if (input_.empty()) child_.input = FileDescriptor();
  }

  Result<Finished> finish(const Call& call) {
    Status done = pump(call);
    if (!done && !stop()) {
      done.error().seen = finished_.errors;
      return left_running(child_, std::move(done.error()));
    }
    finished_.status = reap(child_.pid);
    if (!done) {
      done.error().seen = finished_.errors;
      return std::move(done.error());
    }
    output_lines_.finish();
    error_lines_.finish();
    return std::move(finished_);
  }

 private:
  // False: it goes on, since it takes no signal of ours.
  bool stop() {
    child_.input = FileDescriptor();
    stopping_ = true;
    const auto ended_by = [this](int number) {
      return signal_group(child_, number) && pump(Call{}.within(patience));
    };
    if (!ended_by(SIGTERM) && !ended_by(SIGKILL) && !has_ended(child_.pid)) return false;
    (void)::kill(-child_.pid, SIGKILL);  // what is left of the group
    return true;
  }

  // Until the program has ended and all that it wrote is read. What its own children still hold
  // open is not waited for.
  Status pump(const Call& call) {
    const std::string what = fmt::format("running {}", command_.argv.front());
    for (;;) {
      std::array<pollfd, 4> watched = {{{child_.input.get(), POLLOUT, 0},
                                        {child_.output.get(), POLLIN, 0},
                                        {child_.errors.get(), POLLIN, 0},
                                        {child_.ended.get(), POLLIN, 0}}};
      FLYT_TRY(poll(watched, call, what));
      if (watched[0].revents != 0) feed();
      const bool ended = watched[3].revents != 0;
      bool more = false;
      do {
        FLYT_TRY(take_output(more));
        more = take_errors() || more;
      } while (ended && more);
      if (ended) return ok();
    }
  }

  void feed() {
    const ssize_t written = write_quietly(child_.input, input_);
    if (written > 0) input_.remove_prefix(static_cast<std::size_t>(written));
    // A program need not read all of its input.
    const bool refused = written < 0 && errno != EAGAIN && errno != EINTR;
    if (input_.empty() || refused) child_.input = FileDescriptor();
  }

  Status take_output(bool& more) {
    std::string part;
    const Got got = child_.output ? read_some(child_.output, part) : Got::nothing;
    if (got == Got::end) child_.output = FileDescriptor();
    more = got == Got::some;
    if (stopping_) return ok();
    output_lines_.add(part);
    finished_.output += part;
    if (finished_.output.size() <= most_output) return ok();
    return Error{Errc::invalid, fmt::format("{} prints more than 16 MiB", command_.argv.front())};
  }

  bool take_errors() {
    std::string part;
    const Got got = child_.errors ? read_some(child_.errors, part) : Got::nothing;
    if (got == Got::end) child_.errors = FileDescriptor();
    error_lines_.add(part);
    std::string& kept = finished_.errors += part;
    if (kept.size() > kept_errors) kept.erase(0, kept.size() - kept_errors);
    return got == Got::some;
  }

  const Command& command_;
  Spawned child_;
  std::string_view input_;
  Lines output_lines_, error_lines_;
  Finished finished_;
  bool stopping_ = false;
};

}  // namespace

Result<Finished> run(const Command& command, const Call& call) {
  FLYT_TRY(proceed(call, command.argv.empty() ? "" : command.argv.front()));
  FLYT_ASSIGN(Spawned child, spawn(command));
  return Run(command, std::move(child)).finish(call);
}

Result<Finished> check(const Command& command, const Call& call) {
  FLYT_ASSIGN(Finished finished, run(command, call));
  if (finished.status == 0) return finished;
  const std::string& program = command.argv.front();
  // A program that was killed may fare better next time; one that refused will refuse again.
  const bool killed = finished.status > 128;
  Error error{killed ? Errc::unavailable : Errc::invalid,
              killed ? fmt::format("{} was killed by signal {}", program, finished.status - 128)
                     : fmt::format("{} ended with status {}", program, finished.status)};
  std::string& seen = finished.errors;
  while (!seen.empty() && (seen.back() == '\n' || seen.back() == ' ')) seen.pop_back();
  if (seen.size() > shown_errors) seen.erase(0, seen.size() - shown_errors);
  error.seen = std::move(seen);
  return error;
}

}  // namespace flyt
