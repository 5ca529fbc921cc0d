// Disks that are not written where their machine reads them: what bringing them there is asked, and
// what it answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/machine_spec.hpp"
#include "base/progress.hpp"
#include "base/rate_limit.hpp"

namespace flyt {

struct LandSpec {
  std::string machine;  // Machine::id
  Owner owner;
  ProgressSink* progress = nullptr;  // bytes on their way to the platform; null: nobody asks
  std::shared_ptr<RateLimit> rate = {};
};

// A disk whose machine reads what was written.
struct LandedDisk {
  std::string disk;              // Disk::id
  std::string volume;            // what the machine reads, as the platform names it
  std::uint64_t sent_bytes = 0;  // of the image that was sent
  std::string sha256;  // of that image, which the platform has compared; empty: it compares none
  std::string unread;  // what nobody can read back after that, for people
};

// Below the site's state folder: where the disks of a migration are written before they land.
inline std::filesystem::path staged_folder(const std::filesystem::path& state,
                                           const std::string& migration_id) {
  return state / "staged" / migration_id;
}

}  // namespace flyt
