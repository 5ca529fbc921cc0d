// On which nodes the disks of a migration were opened: a machine may be moved to another node
// between two runs of flyt, and what the first of them left stays where it was.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "base/result.hpp"

namespace flyt::proxmox {

// In a file for each migration, which outlives this process. Thread-safe.
class Opened {
 public:
  explicit Opened(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Comes before a disk is opened on `node`, and is a failure where that must not be. Calls `fence`
  // for each other node where one was, and forgets the node when that is a success.
  using Fence = std::function<Status(const std::string& node)>;
  Status on(const std::string& migration_id, const std::string& node, const Fence& fence);
  // Nothing of it is left anywhere.
  void forget(const std::string& migration_id);
  std::filesystem::path file(const std::string& migration_id) const {
    return folder_ / (migration_id + ".nodes");
  }

 private:
  Status write(const std::string& migration_id, const std::set<std::string>& nodes);

  const std::filesystem::path folder_;
  std::mutex mutex_;
};

}  // namespace flyt::proxmox
