// Which parts of a disk have ever been written, as change tracking tells; the rest reads as zero.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/result.hpp"

namespace flyt::vsphere {

// Thread-safe once made.
class Allocation {
 public:
  explicit Allocation(std::uint64_t size) : size_(size) {}

  // REQUIRES: ascending and within the disk; may touch the one before. Gaps of less than 64 KiB
  // count as written: to read them is cheaper than to ask twice.
  void add(std::uint64_t offset, std::uint64_t length);

  struct Run {
    std::uint64_t end;
    bool allocated;
  };
  // The run that holds `offset`. REQUIRES: it is on the disk.
  Run at(std::uint64_t offset) const;

  // A line "OFFSET LENGTH" for each run.
  std::string text() const;

 private:
  std::uint64_t size_;
  std::vector<Extent> runs_;
};

// Errc::corrupt: not what text() writes, or not of a disk of this size.
Result<Allocation> parse_allocation(std::string_view text, std::uint64_t size);
Result<Allocation> read_allocation(const std::filesystem::path& file, std::uint64_t size);

}  // namespace flyt::vsphere
