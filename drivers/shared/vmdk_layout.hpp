// Numbers of the VMDK format as they lie in the file, for the sources that read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace flyt {

inline constexpr std::uint32_t vmdk_magic = 0x564d444b;  // "KDMV"
inline constexpr std::uint64_t vmdk_directory_at_end = ~std::uint64_t{0};
inline constexpr std::size_t vmdk_grain_marker_bytes = 12;  // u64 sector, u32 length; then the data
inline constexpr std::uint64_t vmdk_footer_bytes = 3 * 512;  // marker, header, end marker

// Type of a marker whose length is 0.
enum class VmdkMarker : std::uint32_t { end = 0, table = 1, directory = 2, footer = 3 };

// REQUIRES: offset + sizeof(T) <= from.size(). Little endian.
template <typename T>
T vmdk_load(std::span<const std::byte> from, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i != sizeof(T); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(from[offset + i]);
    value = static_cast<T>(value | static_cast<T>(byte << (8 * i)));
  }
  return value;
}

struct VmdkMarkerSector {
  std::uint64_t value = 0;   // a grain's first sector, or how many sectors follow
  std::uint32_t length = 0;  // of a grain's data; 0: `type` says what this is
  VmdkMarker type = VmdkMarker::end;
};

// REQUIRES: at least 16 bytes.
inline VmdkMarkerSector vmdk_load_marker(std::span<const std::byte> sector) {
  return {vmdk_load<std::uint64_t>(sector, 0), vmdk_load<std::uint32_t>(sector, 8),
          static_cast<VmdkMarker>(vmdk_load<std::uint32_t>(sector, 12))};
}

// A deflated grain may be larger than a plain one, but not by much (zlib's own bound, and more).
constexpr std::uint64_t vmdk_longest_data(std::uint64_t grain) { return grain + grain / 8 + 1024; }

}  // namespace flyt
