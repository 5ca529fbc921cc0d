// What machines say on their serial consoles. Proxmox VE keeps nothing of it: whoever listens
// hears.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "base/machine_spec.hpp"
#include "base/process.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {

// Listeners of this process, one a machine: an SSH connection to its node that writes what it hears
// into a file here, from before the machine is switched on until this object ends. While one
// listens nobody else can (`qm terminal` waits). Thread-safe.
class Consoles {
 public:
  explicit Consoles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Begins anew. REQUIRES: host.ssh.
  Status listen(const LandingHost& host, const std::string& vmid, const Call& call);
  // As Driver::console(). Where nobody listens yet, somebody does from now on: what was said before
  // is lost.
  Result<ConsoleText> read(const LandingHost& host, const std::string& vmid,
                           const std::string& after, const Call& call);
  void forget(const std::string& vmid);

 private:
  std::filesystem::path file(const std::string& vmid) const {
    return folder_ / (vmid + ".console");
  }

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, Process> listeners_;
};

}  // namespace flyt::proxmox
