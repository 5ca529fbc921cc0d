#include "tests/ssh_host.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "base/identity.hpp"

namespace flyt::tests {
namespace {

constexpr int cannot_run = 77;

std::string script() {
  const char* source = std::getenv("FLYT_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/fakes/sshd.sh";
}

}  // namespace

Result<std::unique_ptr<SshHost>> SshHost::start(const std::vector<std::string>& lines) {
  std::unique_ptr<SshHost> host(new SshHost);
  host->folder_ = "/tmp/flyt-sshd-" + random_uuid();  // it may live longer than one test
  std::vector<std::string> argv{script(), host->folder_};
  argv.insert(argv.end(), lines.begin(), lines.end());
  FLYT_ASSIGN(Process process, Process::start({std::move(argv)}));
  host->process_ = std::make_unique<Process>(std::move(process));
  const Call call = Call{}.within(std::chrono::seconds(60));
  std::string said;
  for (;;) {
    FLYT_ASSIGN(const auto line, host->process_->read_line(call));
    if (!line) break;
    const auto value = [&](std::string_view key) {
      return line->starts_with(key) ? line->substr(key.size()) : std::string();
    };
    if (*line == "ready") return host;
    if (const auto port = value("port: "); !port.empty()) host->port_ = port;
    if (const auto path = value("config: "); !path.empty()) host->config_ = path;
    if (const auto pid = value("sshd: "); !pid.empty()) host->sshd_ = std::stoi(pid);
    said += *line + "\n";
  }
  FLYT_ASSIGN(const int status, host->process_->wait(call));
  return Error{status == cannot_run ? Errc::unsupported : Errc::internal, "no sshd of our own",
               said + host->process_->errors()};
}

std::vector<pid_t> SshHost::sessions() const {
  std::vector<pid_t> pids;
  std::ifstream children(fmt::format("/proc/{}/task/{}/children", sshd_, sshd_));
  for (pid_t pid = 0; children >> pid;) pids.push_back(pid);
  return pids;
}

}  // namespace flyt::tests
