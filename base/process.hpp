// Programs that flyt starts: argument vectors, never a shell; each in a process group of its own.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up on PATH; secrets never stand here
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to ours
  std::filesystem::path folder = {};  // working directory; empty: ours
  std::string input = {};             // given as standard input, then closed
  // Called for each line of standard output / standard error as it comes, in the caller's thread.
  std::function<void(std::string_view)> on_output = {};
  std::function<void(std::string_view)> on_error = {};
};

struct Finished {
  int status = 0;      // exit status; 128 + signal when killed
  std::string output;  // at most 16 MiB; Errc::invalid when a program prints more
  std::string errors;  // the last 64 KiB of standard error
};

// Runs to the end. Not found: Errc::not_found with the Debian package where known. A stop or the
// deadline: SIGTERM to the group, SIGKILL after 5 s, then cancelled or timed_out; to root's group
// by `sudo -n sh` where the program is sudo, and an error that names the process where even that
// fails. Any exit status is a success of run(); check() turns a bad one into an Error with the tail
// of standard error.
Result<Finished> run(const Command& command, const Call& call);
Result<Finished> check(const Command& command, const Call& call);

// A program that stays: a server, a supervisor. Its standard input is a pipe from us, so that it
// can end when we do; PR_SET_PDEATHSIG ends it even after kill -9 of us.
class Process {
 public:
  static Result<Process> start(const Command& command);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();  // as end() with one second

  int pid() const noexcept;
  bool running();              // reaps it when it has ended
  std::string errors() const;  // the last 64 KiB of standard error until now
  // The next line of standard output; nothing: it closed its output. Without the '\n'.
  Result<std::optional<std::string>> read_line(const Call& call);
  Status write(std::string_view text);
  void close_input();
  // Waits for the exit status. timed_out leaves it running.
  Result<int> wait(const Call& call);
  // Closes its input, SIGTERM to the group, as run() does it.
  void ask_to_end();
  // Asks, waits `patience`, SIGKILL. The exit status; Errc::denied: it takes no signal of ours.
  Result<int> end(std::chrono::milliseconds patience);

 private:
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Where `program` is found on PATH.
std::optional<std::filesystem::path> find_program(std::string_view program);

}  // namespace flyt
