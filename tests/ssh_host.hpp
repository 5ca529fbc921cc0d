// A host of our own to reach by SSH: tests/fakes/sshd.sh on this machine, which ends when we do.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/process.hpp"

namespace flyt::tests {

class SshHost {
 public:
  // `lines`: the end of its sshd_config. Errc::unsupported: this system has no sshd, or we are not
  // root, which alone is a reason to skip a test.
  static Result<std::unique_ptr<SshHost>> start(const std::vector<std::string>& lines = {});

  const std::filesystem::path& config() const { return config_; }  // for `ssh -F`
  const std::filesystem::path& folder() const { return folder_; }
  const std::string& port() const { return port_; }
  // The processes of sshd that carry one connection each, without the listening one.
  std::vector<pid_t> sessions() const;

 private:
  SshHost() = default;

  std::filesystem::path folder_, config_;
  std::string port_;
  pid_t sshd_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace flyt::tests
