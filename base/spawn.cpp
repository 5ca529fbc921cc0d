#include "base/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/poll.hpp"

namespace flyt {
namespace {

struct Pipe {
  FileDescriptor read, write;
};

// Above 2 even when our own 0 to 2 are closed, so that the child's dup2() cannot collide.
Result<FileDescriptor> lift(int fd) {
  FileDescriptor low(fd);
  if (fd > STDERR_FILENO) return low;
  FileDescriptor high(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!high) return system_error("cannot make a pipe", errno);
  return high;
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  Pipe pipe;
  FileDescriptor write(ends[1]);
  FLYT_ASSIGN(pipe.read, lift(ends[0]));
  FLYT_ASSIGN(pipe.write, lift(write.release()));
  return pipe;
}

// All that the child needs, made before the fork: between fork and exec nothing may allocate.
struct Prepared {
  std::string program, folder;
  std::vector<std::string> environment;
  std::vector<char*> argv, envp;
  std::array<int, 3> standard{};
  int report = -1;
  pid_t parent = -1;
};

std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    merged[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : command.environment) merged[name] = value;
  std::vector<std::string> entries;
  entries.reserve(merged.size());
  for (const auto& [name, value] : merged) {
    std::string entry = name;
    entries.push_back(std::move(entry.append("=").append(value)));
  }
  return entries;
}

// Only async-signal-safe calls from here to exec.
void close_the_rest() {
  // By flag: the pipe that reports a failed exec must live until then.
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  const long most = ::sysconf(_SC_OPEN_MAX);
  const int end = most > 0 && most < 65536 ? static_cast<int>(most) : 65536;
  for (int fd = 3; fd < end; ++fd) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void give_up(int report) {
  const int number = errno;
  (void)!::write(report, &number, sizeof number);
  ::_exit(127);
}

[[noreturn]] void become(const Prepared& prepared) {
  if (::setpgid(0, 0) != 0) give_up(prepared.report);
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) give_up(prepared.report);
  // The parent may have died before the line above.
  if (::getppid() != prepared.parent) ::_exit(127);
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(prepared.standard[static_cast<std::size_t>(fd)], fd) < 0) give_up(prepared.report);
  }
  close_the_rest();
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) (void)::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!prepared.folder.empty() && ::chdir(prepared.folder.c_str()) != 0) give_up(prepared.report);
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  give_up(prepared.report);
}

// The fork itself. All signals are blocked around it: a handler of ours must not run in the child.
pid_t fork_child(const Prepared& prepared, int& number) {
  sigset_t all, before;
  ::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  number = errno;
  if (pid == 0) become(prepared);
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

class Spawner {
 public:
  static Spawner& the() {
    // Never destroyed: its thread's end would end the children before exit() is through.
    static Spawner* const one = new Spawner;
    return *one;
  }

  pid_t fork(const Prepared& prepared, int& number) {
    std::packaged_task<pid_t()> task([&] { return fork_child(prepared, number); });
    std::future<pid_t> pid = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    more_.notify_one();
    return pid.get();
  }

 private:
  Spawner() {
    std::thread([this] { work(); }).detach();
  }

  void work() {
    // Signals are for the threads that expect them.
    sigset_t all;
    ::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(mutex_);
    for (;;) {
      more_.wait(lock, [this] { return !tasks_.empty(); });
      auto task = std::move(tasks_.front());
      tasks_.erase(tasks_.begin());
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::packaged_task<pid_t()>> tasks_;
};

Result<Prepared> prepare(const Command& command) {
  if (command.argv.empty()) return Error{Errc::internal, "a command without a program"};
  const auto program = find_program(command.argv.front());
  if (!program) return not_installed(command.argv.front());
  Prepared prepared;
  std::error_code failed;  // the child may change its folder before it looks for the program
  prepared.program = std::filesystem::absolute(*program, failed).native();
  prepared.folder = command.folder.native();
  prepared.environment = environment_of(command);
  prepared.parent = ::getpid();
  return prepared;
}

// Points into `command` and into `prepared`, which must not move any more.
void point(Prepared& prepared, const Command& command) {
  for (const std::string& word : command.argv) {
    prepared.argv.push_back(const_cast<char*>(word.c_str()));  // execve() does not write
  }
  prepared.argv.push_back(nullptr);
  for (std::string& entry : prepared.environment) prepared.envp.push_back(entry.data());
  prepared.envp.push_back(nullptr);
}

void unblock(const FileDescriptor& fd) {
  (void)::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// The report pipe closes at exec; what stands in it is why there was none.
Status started(FileDescriptor& report, pid_t pid, const std::string& program) {
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return ok();
  (void)::waitpid(pid, nullptr, 0);
  return system_error(fmt::format("cannot start {}", program), number);
}

constexpr std::string_view sudo = "sudo";

// sudo that asks for nothing ends at once; one that does not is left to itself.
bool signal_by_sudo(pid_t group, int number) {
  // By sh, which whoever lands by sudo may run already.
  const std::string kill = fmt::format("kill -s {} -- -{}", number, group);
  const auto killer = spawn({{std::string(sudo), "-n", "sh", "-c", kill}});
  if (!killer) return false;
  std::array<pollfd, 1> watched = {{{killer->ended.get(), POLLIN, 0}}};
  return poll(watched, Call{}.within(std::chrono::seconds(5)), sudo) && reap(killer->pid) == 0;
}

}  // namespace

Result<Spawned> spawn(const Command& command) {
  FLYT_ASSIGN(Prepared prepared, prepare(command));
  point(prepared, command);
  FLYT_ASSIGN(Pipe input, make_pipe());
  FLYT_ASSIGN(Pipe output, make_pipe());
  FLYT_ASSIGN(Pipe errors, make_pipe());
  FLYT_ASSIGN(Pipe report, make_pipe());
  prepared.standard = {input.read.get(), output.write.get(), errors.write.get()};
  prepared.report = report.write.get();

  int number = 0;
  Spawned child;
  child.pid = Spawner::the().fork(prepared, number);
  if (child.pid < 0) return system_error("cannot start a process", number);
  report.write = FileDescriptor();
  FLYT_TRY(started(report.read, child.pid, command.argv.front()));
  child.ended = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.ended) {
    const Error error = system_error("cannot watch a process", errno);
    (void)::kill(-child.pid, SIGKILL);
    (void)::waitpid(child.pid, nullptr, 0);
    return error;
  }
  (void)::fcntl(child.ended.get(), F_SETFD, FD_CLOEXEC);
  child.by_sudo = std::filesystem::path(command.argv.front()).filename() == sudo;
  child.input = std::move(input.write);
  child.output = std::move(output.read);
  child.errors = std::move(errors.read);
  unblock(child.output);
  unblock(child.errors);
  return child;
}

bool signal_group(const Spawned& child, int number) {
  if (::kill(-child.pid, number) == 0 || errno != EPERM) return true;
  return child.by_sudo && signal_by_sudo(child.pid, number);
}

Error left_running(const Spawned& child, Error why) {
  why.state = fmt::format("process {} still runs: it is another user's, and flyt may not end it",
                          child.pid);
  why.remedy = {fmt::format("sudo kill -KILL -- -{}", child.pid)};
  return why;
}

bool has_ended(pid_t pid) {
  siginfo_t found{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &found, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         found.si_pid == pid;
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// SIGPIPE is blocked in this thread and taken back, so that the program's own handling stays.
ssize_t write_quietly(const FileDescriptor& pipe, std::string_view text) {
  sigset_t broken, before, pending;
  ::sigemptyset(&broken);
  ::sigaddset(&broken, SIGPIPE);
  ::sigpending(&pending);
  (void)::pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t written = ::write(pipe.get(), text.data(), text.size());
  const int number = errno;
  if (written < 0 && number == EPIPE && ::sigismember(&pending, SIGPIPE) != 1) {
    const timespec now{};
    (void)::sigtimedwait(&broken, nullptr, &now);
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return written;
}

Status write_pipe(const FileDescriptor& pipe, std::string_view text) {
  if (!pipe) return Error{Errc::unavailable, "the program's input is closed"};
  while (!text.empty()) {
    const ssize_t written = write_quietly(pipe, text);
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return system_error("cannot write to the program's input", errno);
    }
  }
  return ok();
}

Got read_some(const FileDescriptor& pipe, std::string& to) {
  std::array<char, 65536> part;
  const ssize_t got = ::read(pipe.get(), part.data(), part.size());
  if (got == 0) return Got::end;
  if (got < 0) return errno == EINTR || errno == EAGAIN ? Got::nothing : Got::end;
  to.append(part.data(), static_cast<std::size_t>(got));
  return Got::some;
}

}  // namespace flyt
