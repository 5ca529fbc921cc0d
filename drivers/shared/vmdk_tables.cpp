#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/vmdk.hpp"
#include "drivers/shared/vmdk_layout.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t most_sectors = std::uint64_t{1} << 32;
constexpr std::uint64_t table_bytes = vmdk_entries_per_table * sizeof(std::uint32_t);

struct Range {
  std::uint64_t offset, length;
};

// A disk that is read by wrong tables looks whole and holds something else. Readers (QEMU among
// them) check that they stay in the file, but not that a grain is the one that was asked for.
class TableCheck {
 public:
  TableCheck(const ByteWindow& file, const VmdkHeader& header) : file_(file), header_(header) {}

  Status all(const Call& call) {
    FLYT_TRY(read_directory());
    FLYT_TRY(check_metadata());
    for (std::size_t i = 0; i != tables_.size(); ++i) {
      FLYT_TRY(proceed(call, file_.name()));
      if (tables_[i] != 0) FLYT_TRY(check_table(i));
    }
    return ok();
  }

 private:
  Status read_directory() {
    tables_.resize(static_cast<std::size_t>(vmdk_tables(header_)));
    std::vector<std::byte> raw(tables_.size() * sizeof(std::uint32_t));
    FLYT_TRY(file_.read(*header_.directory_offset, raw));
    for (std::size_t i = 0; i != tables_.size(); ++i) {
      tables_[i] = vmdk_load<std::uint32_t>(raw, i * sizeof(std::uint32_t));
    }
    return ok();
  }

  // Header, descriptor, directory and tables each have their own place in the file.
  Status check_metadata() {
    metadata_ = {{0, vmdk_sector},
                 {*header_.directory_offset, tables_.size() * sizeof(std::uint32_t)}};
    if (header_.descriptor_length != 0) {
      metadata_.push_back({header_.descriptor_offset, header_.descriptor_length});
    }
    for (const std::uint32_t sector : tables_) {
      if (sector != 0) metadata_.push_back({sector * vmdk_sector, table_bytes});
    }
    std::sort(metadata_.begin(), metadata_.end(),
              [](const Range& a, const Range& b) { return a.offset < b.offset; });
    std::uint64_t free_from = 0;
    for (const Range& range : metadata_) {
      if (range.offset < free_from) return corrupt("tables that overlap", range.offset);
      if (range.offset > file_.size() || range.length > file_.size() - range.offset) {
        return corrupt("a table behind the end of the file", range.offset);
      }
      free_from = range.offset + range.length;
    }
    return ok();
  }

  Status check_table(std::size_t number) {
    std::array<std::byte, table_bytes> raw;
    FLYT_TRY(file_.read(tables_[number] * vmdk_sector, raw));
    for (std::size_t i = 0; i != vmdk_entries_per_table; ++i) {
      const auto entry = vmdk_load<std::uint32_t>(raw, i * sizeof(std::uint32_t));
      if (entry == 0 || (entry == 1 && header_.zero_grains)) continue;
      const std::uint64_t grain = number * vmdk_entries_per_table + i;
      if (grain >= vmdk_grains(header_)) return corrupt("a grain behind the disk's end", entry);
      FLYT_TRY(header_.compressed ? check_compressed(grain, entry * vmdk_sector)
                                  : check_plain(grain, entry * vmdk_sector));
    }
    return ok();
  }

  // Grains of a stream ascend, so that none can overlap another.
  Status check_compressed(std::uint64_t grain, std::uint64_t offset) {
    if (offset < std::max(header_.overhead, free_from_)) {
      return corrupt("grains that overlap or are out of order", offset);
    }
    std::array<std::byte, 16> raw;
    FLYT_TRY(file_.read(offset, raw));
    const VmdkMarkerSector marker = vmdk_load_marker(raw);
    if (marker.value != grain * (header_.grain / vmdk_sector)) {
      return corrupt(fmt::format("a grain of sector {} where sector {} should be", marker.value,
                                 grain * (header_.grain / vmdk_sector)),
                     offset);
    }
    if (marker.length == 0 || marker.length > vmdk_longest_data(header_.grain)) {
      return corrupt(fmt::format("a grain of {} bytes", marker.length), offset);
    }
    return take({offset, vmdk_grain_marker_bytes + marker.length});
  }

  // Plain grains may come in any order. All lie at the same remainder of the grain size, so that
  // one bit for each place tells whether two claim it.
  Status check_plain(std::uint64_t grain, std::uint64_t offset) {
    if (offset < header_.overhead) return corrupt("a grain among the tables", offset);
    if (places_.empty()) {
      // However long the file is, no table leads further than its entries can count.
      const std::uint64_t furthest = std::min(file_.size(), most_sectors * vmdk_sector);
      places_.resize(static_cast<std::size_t>(furthest / header_.grain + 1));
      remainder_ = offset % header_.grain;
    }
    if (offset % header_.grain != remainder_) return corrupt("grains out of step", offset);
    const std::uint64_t left = header_.capacity - grain * header_.grain;
    FLYT_TRY(take({offset, std::min(header_.grain, left)}));
    auto place = places_[static_cast<std::size_t>(offset / header_.grain)];
    if (place) return corrupt("two grains in one place", offset);
    place = true;
    return ok();
  }

  Status take(const Range& range) {
    if (range.offset > file_.size() || range.length > file_.size() - range.offset) {
      return corrupt("a grain behind the end of the file", range.offset);
    }
    const auto next = std::upper_bound(
        metadata_.begin(), metadata_.end(), range.offset,
        [](std::uint64_t offset, const Range& other) { return offset < other.offset; });
    const bool hits_next = next != metadata_.end() && next->offset < range.offset + range.length;
    const bool hits_last = next != metadata_.begin() &&
                           std::prev(next)->offset + std::prev(next)->length > range.offset;
    if (hits_next || hits_last) return corrupt("a grain among the tables", range.offset);
    free_from_ = range.offset + range.length;
    return ok();
  }

  Error corrupt(std::string_view text, std::uint64_t at) const {
    return {Errc::corrupt, fmt::format("{}: the VMDK's tables are wrong: {}", file_.name(), text),
            fmt::format("at byte {}", at)};
  }

  const ByteWindow& file_;
  const VmdkHeader& header_;
  std::vector<std::uint32_t> tables_;  // sectors; 0: none
  std::vector<Range> metadata_;        // by offset
  std::uint64_t free_from_ = 0;        // where the last grain ended
  std::vector<bool> places_;           // of plain grains
  std::uint64_t remainder_ = 0;
};

}  // namespace

Status check_vmdk_tables(const ByteWindow& file, const VmdkImage& image, const Call& call) {
  return TableCheck(file, image.header).all(call);
}

}  // namespace flyt
