// VMware's sparse disk images in one file (VMDK 5.0: monolithicSparse, streamOptimized): their
// headers and tables, judged before anybody reads a disk by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt {

class ByteWindow;

inline constexpr std::uint64_t vmdk_sector = 512;
inline constexpr std::uint32_t vmdk_entries_per_table = 512;

// All offsets and lengths in bytes.
struct VmdkHeader {
  std::uint32_t version = 0;
  std::uint64_t capacity = 0;                                  // of the disk
  std::uint64_t grain = 0;                                     // a power of two, 4 KiB to 1 MiB
  std::uint64_t descriptor_offset = 0, descriptor_length = 0;  // 0: none in the file
  std::optional<std::uint64_t> directory_offset;               // nothing: the footer says it
  std::uint64_t overhead = 0;                                  // the first grain lies behind it
  bool compressed = false;   // streamOptimized: deflated grains, each behind a marker
  bool zero_grains = false;  // a table entry 1 means zeroes
  bool operator==(const VmdkHeader&) const = default;
};

std::uint64_t vmdk_grains(const VmdkHeader& header);  // the last one may be a part of one
std::uint64_t vmdk_tables(const VmdkHeader& header);  // entries of the grain directory

// The magic number alone.
bool is_vmdk(std::span<const std::byte> start);

// REQUIRES: 512 bytes. Errc::corrupt: magic, line-end bytes, sizes that cannot be, offsets that
// contradict each other. Errc::unsupported: flags, versions and grain sizes that flyt does not
// know.
Result<VmdkHeader> parse_vmdk_header(std::span<const std::byte> sector);

// The text inside the image.
struct VmdkDescriptor {
  struct Extent {
    std::string access, type, file;
    std::uint64_t sectors = 0;
  };
  std::string create_type;  // "streamOptimized"
  std::string adapter;      // "lsilogic"
  std::string parent_cid;   // "ffffffff": it has no parent
  std::string parent_hint;  // a file name where it has one
  std::vector<Extent> extents;
};
Result<VmdkDescriptor> parse_vmdk_descriptor(std::string_view text);
// Refuses what would make a reader look into other files: a parent, several extents, extents of
// another kind; and a size that is not the header's.
Status check_vmdk_descriptor(const VmdkDescriptor& descriptor, const VmdkHeader& header);

struct VmdkImage {
  VmdkHeader header;  // the footer's where there is one
  VmdkDescriptor descriptor;
};

// Reads and checks header, footer and descriptor. Errors begin with the window's name.
Result<VmdkImage> inspect_vmdk(const ByteWindow& file);

// Reads all tables, and of every grain its marker. Success: every table and grain lies in the file,
// nothing overlaps, and every marker names the grain that its table says. Memory: 4 bytes for each
// 32 MiB of disk, or 1 bit for each grain of an uncompressed image.
Status check_vmdk_tables(const ByteWindow& file, const VmdkImage& image, const Call& call);

// What text stands at the start of a file that only describes a disk in other files.
inline constexpr std::string_view vmdk_descriptor_magic = "# Disk DescriptorFile";

}  // namespace flyt
