// What stands in a manifest file: a header and records of 64 bytes, little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "movers/mover.hpp"

namespace flyt::movers {

inline constexpr std::size_t record_bytes = 64;
using RecordBytes = std::array<std::byte, record_bytes>;

// {char magic[8] "flytmani", u32 version, u32 block size, u64 source length, u32 first view, u32
// complete view, u32 1 if doubtful, 24 bytes zero, u32 CRC-32C of all before}
struct ManifestHeader {
  std::uint64_t length = 0;      // of the source, bytes
  ViewNumber first_view = 0;     // of the sync that made the file
  ViewNumber complete_view = 0;  // that all source records name since the last seal; 0: none
  bool doubtful = false;         // records were lost: all is compared before any of it is trusted
};

enum class RecordKind : std::uint32_t {
  data = 1,
  zero = 2,     // all blocks of the run read as zero
  nothing = 3,  // void: what is on the target is not known
};

// {u64 first block, u64 count, u32 view, u32 write epoch, u32 kind, u32 CRC-32C of the other 60
// bytes, 32 bytes SHA-256}
struct Record {
  std::uint64_t first = 0, count = 0;
  ViewNumber view = 0;
  std::uint32_t epoch = 0;
  RecordKind kind = RecordKind::nothing;
  Digest digest{};  // data: of the block; otherwise zero

  std::uint64_t end() const { return first + count; }
  bool conversion() const { return view == conversion_view; }
  bool operator==(const Record&) const = default;
};

RecordBytes encode(const ManifestHeader& header);
RecordBytes encode(const Record& record);

// Errc::corrupt for a wrong magic or checksum, Errc::unsupported for another version or block size.
Result<ManifestHeader> parse_header(std::span<const std::byte> bytes);
// False: the checksum is wrong.
bool parse_record(std::span<const std::byte, record_bytes> bytes, Record& out);
// Whether a record makes sense on a disk of `blocks` blocks.
bool is_valid(const Record& record, std::uint64_t blocks);

}  // namespace flyt::movers
