#include "base/process.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include "base/poll.hpp"
#include "base/spawn.hpp"

namespace flyt {
namespace {

constexpr std::size_t kept_errors = std::size_t{64} << 10;
// A killed process may yet have to finish a disk's request.
constexpr std::chrono::seconds last_patience{5};
constexpr std::size_t longest_line = std::size_t{16} << 20;

// Reads a standard error as it comes, so that the program never waits for us; keeps its end.
class ErrorTail {
 public:
  ErrorTail(FileDescriptor pipe, FileDescriptor quit)
      : pipe_(std::move(pipe)), quit_(std::move(quit)), reader_([this] { work(); }) {}
  ErrorTail(const ErrorTail&) = delete;
  ErrorTail& operator=(const ErrorTail&) = delete;
  ~ErrorTail() { finish(); }

  // Takes what is there and stops, though a grandchild may still hold the pipe.
  void finish() {
    if (!reader_.joinable()) return;
    const std::uint64_t one = 1;
    (void)!::write(quit_.get(), &one, sizeof one);  // cannot be full
    reader_.join();
  }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  void work() {
    for (;;) {
      std::array<pollfd, 2> watched = {{{pipe_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
      Got got = take();
      const bool quit = watched[1].revents != 0;
      while (quit && got == Got::some) got = take();
      if (quit || got == Got::end) return;
    }
  }

  Got take() {
    std::string part;
    const Got got = read_some(pipe_, part);
    const std::lock_guard lock(mutex_);
    text_ += part;
    if (text_.size() > kept_errors) text_.erase(0, text_.size() - kept_errors);
    return got;
  }

  FileDescriptor pipe_, quit_;
  mutable std::mutex mutex_;
  std::string text_;
  std::thread reader_;
};

}  // namespace

struct Process::Impl {
  Impl(std::string program_name, Spawned spawned, FileDescriptor quit)
      : program(std::move(program_name)),
        child(std::move(spawned)),
        errors(std::move(child.errors), std::move(quit)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { (void)end(std::chrono::seconds(1)); }

  int take_status() {
    if (!status) {
      status = reap(child.pid);
      errors.finish();
    }
    return *status;
  }

  Status wait_for_end(const Call& call) {
    if (status) return ok();
    std::array<pollfd, 1> watched = {{{child.ended.get(), POLLIN, 0}}};
    return poll(watched, call, fmt::format("waiting for {}", program));
  }

  void ask_to_end() {
    child.input = FileDescriptor();
    if (!status && !has_ended(child.pid)) (void)signal_group(child, SIGTERM);
  }

  Result<int> end(std::chrono::milliseconds patience) {
    ask_to_end();
    if (status) return *status;
    (void)wait_for_end(Call{}.within(patience));  // looked at below
    if (!has_ended(child.pid)) {
      if (signal_group(child, SIGKILL)) (void)wait_for_end(Call{}.within(last_patience));
      if (!has_ended(child.pid)) {
        return left_running(child, {Errc::denied, fmt::format("{} does not end", program)});
      }
    }
    // A zombie keeps the number of the group ours: what is left of the group ends here.
    (void)::kill(-child.pid, SIGKILL);
    return take_status();
  }

  std::string program;
  Spawned child;
  ErrorTail errors;
  std::string unread;
  bool output_ended = false;
  std::optional<int> status;
};

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;
Process::~Process() = default;

Result<Process> Process::start(const Command& command) {
  if (command.on_output || command.on_error) {
    return Error{Errc::internal, "only run() calls back for lines"};
  }
  FileDescriptor quit(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!quit) return system_error("cannot start a process", errno);
  FLYT_ASSIGN(Spawned child, spawn(command));
  Process process(std::make_unique<Impl>(command.argv.front(), std::move(child), std::move(quit)));
  if (!command.input.empty()) {
    FLYT_TRY(process.write(command.input));
    process.close_input();
  }
  return process;
}

int Process::pid() const noexcept { return impl_->child.pid; }

bool Process::running() {
  if (impl_->status) return false;
  if (!has_ended(impl_->child.pid)) return true;
  impl_->take_status();
  return false;
}

std::string Process::errors() const { return impl_->errors.text(); }

Result<std::optional<std::string>> Process::read_line(const Call& call) {
  Impl& me = *impl_;
  std::size_t looked = 0;
  for (;;) {
    if (const auto end = me.unread.find('\n', looked); end != std::string::npos) {
      std::string line = me.unread.substr(0, end);
      me.unread.erase(0, end + 1);
      return std::optional(std::move(line));
    }
    looked = me.unread.size();
    if (looked > longest_line) {
      return Error{Errc::invalid, fmt::format("{} prints a line without an end", me.program)};
    }
    if (me.output_ended) {
      if (me.unread.empty()) return std::optional<std::string>();
      return std::optional(std::exchange(me.unread, {}));
    }
    // In this order: all that it wrote before it ended is read.
    const bool ended = !running();
    const Got got = read_some(me.child.output, me.unread);
    if (got == Got::end || (got == Got::nothing && ended)) me.output_ended = true;
    if (got != Got::nothing || ended) continue;
    std::array<pollfd, 2> watched = {
        {{me.child.output.get(), POLLIN, 0}, {me.child.ended.get(), POLLIN, 0}}};
    FLYT_TRY(poll(watched, call, fmt::format("waiting for a line from {}", me.program)));
  }
}

Status Process::write(std::string_view text) {
  return within(impl_->program, write_pipe(impl_->child.input, text));
}

void Process::close_input() { impl_->child.input = FileDescriptor(); }

Result<int> Process::wait(const Call& call) {
  FLYT_TRY(impl_->wait_for_end(call));
  return impl_->take_status();
}

void Process::ask_to_end() { impl_->ask_to_end(); }

Result<int> Process::end(std::chrono::milliseconds patience) { return impl_->end(patience); }

}  // namespace flyt
