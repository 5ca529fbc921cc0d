// What machines say on their serial consoles. Proxmox VE keeps nothing of it: whoever listens
// hears.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/machine_spec.hpp"
#include "base/process.hpp"
#include "drivers/proxmox/terminal.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {

// Listeners of this process, one a machine, which write what they hear into a file here until this
// object ends, or nobody has read it for 20 minutes when the next one begins. While one listens
// nobody else can (`qm terminal` waits). Thread-safe.
class Consoles {
 public:
  explicit Consoles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  enum class Since : std::uint8_t { before_start, later };
  // These begin anew. By an SSH connection to its node. REQUIRES: host.ssh.
  Status listen(const LandingHost& host, const std::string& vmid, Since since, const Call& call);
  // By the API, from when the machine runs. `api` must outlive this object.
  Status listen(Api& api, const MachineHere& here);

  bool listens(const std::string& vmid);
  // Its SSH connection has ended, and nothing was heard by it.
  bool is_deaf(const std::string& vmid);
  // As Driver::console(). REQUIRES: listen() has succeeded.
  Result<ConsoleText> read(const std::string& vmid, const std::string& after, const Call& call);
  void forget(const std::string& vmid);

 private:
  struct Listener {
    std::optional<Process> ssh;
    std::unique_ptr<Terminal> api;
    std::string gap;  // ConsoleText::gap
    std::chrono::steady_clock::time_point wanted = std::chrono::steady_clock::now();
  };

  std::filesystem::path file(const std::string& vmid) const {
    return folder_ / (vmid + ".console");
  }
  Status begin(const std::string& vmid);

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, Listener> listeners_;
};

}  // namespace flyt::proxmox
