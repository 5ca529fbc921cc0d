#include "tests/faults/nbd_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "base/uri.hpp"

namespace flyt::tests {

namespace {

// Seen without a connection, which a server might count as its last client.
bool is_listening(const std::string& socket_path) {
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (line.find(" 00010000 ") != std::string::npos && line.ends_with(" " + socket_path))
      return true;
  }
  return false;
}

[[noreturn]] void become(const std::vector<std::string>& argv, pid_t parent,
                         const std::string& log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

ServedDisk ServedDisk::nbdkit(const std::vector<std::string>& arguments) {
  ServedDisk disk;
  disk.socket_ = (TempDir() / "s").string();  // stays until the test ends
  std::vector<std::string> argv{"nbdkit", "-f", "-U", disk.socket_};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  disk.start(std::move(argv), disk.socket_);
  return disk;
}

ServedDisk ServedDisk::qemu(const std::vector<std::string>& arguments) {
  ServedDisk disk;
  disk.socket_ = (TempDir() / "s").string();  // stays until the test ends
  std::vector<std::string> argv{"qemu-nbd", "-t", "-k", disk.socket_};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  disk.start(std::move(argv), disk.socket_);
  return disk;
}

void ServedDisk::start(std::vector<std::string> argv, const std::string& socket_path) {
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(argv, parent, socket_path + ".log");
  while (!is_listening(socket_path)) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error(argv[0] + " ended at once");
    }
    poll(nullptr, 0, 2);
  }
}

ServedDisk::ServedDisk(ServedDisk&& other) noexcept
    : socket_(std::move(other.socket_)), pid_(std::exchange(other.pid_, -1)) {}

ServedDisk& ServedDisk::operator=(ServedDisk&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(pid_, other.pid_);
  return *this;
}

ServedDisk::~ServedDisk() { end(SIGKILL); }

void ServedDisk::end(int signal) {
  if (pid_ <= 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ServedDisk::uri() const { return nbd_unix_uri(socket_); }

bool has_program(const std::string& program) {
  std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  path += ':';
  for (std::size_t begin = 0, end = 0; (end = path.find(':', begin)) != std::string::npos;
       begin = end + 1) {
    if (access((path.substr(begin, end - begin) + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<std::vector<Extent>> UriChannel::changed(std::uint64_t from, const Call&) {
  if (!changes_) return Error{Errc::unsupported, "no change tracking"};
  std::vector<Extent> page;
  for (const Extent& extent : *changes_) {
    if (extent.offset >= from && page.size() < 2) page.push_back(extent);
  }
  return page;
}

}  // namespace flyt::tests
