// One SSH connection of ours for many short commands.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {

// Thread-safe. Connects when it is first asked, and again when the connection broke; ends with this
// object and with this process.
class SshMaster {
 public:
  explicit SshMaster(Ssh ssh) : ssh_(std::move(ssh)) {}

  // For `ssh -S`. Nothing: another thread is connecting just now; go without. Errors as
  // landing_run() has them.
  Result<std::optional<std::filesystem::path>> socket(const Call& call);

 private:
  Status connect(const Call& call);

  const Ssh ssh_;
  std::mutex mutex_;
  std::optional<PrivateFolder> folder_;
  std::optional<Process> process_;
};

}  // namespace flyt
