// Writes VMDKs for tests, right ones and wrong ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flyt::tests {

struct VmdkMaker {
  enum class Style : std::uint8_t {
    vmware,  // streamOptimized: tables between the grains, footer, end marker
    qemu,    // streamOptimized: tables in front
    sparse,  // monolithicSparse
  };
  Style style = Style::vmware;
  std::uint64_t grain_bytes = 65536;
  std::string create_type = {};  // empty: as the style asks
  std::string parent_cid = "ffffffff";
  std::string more_lines = {};   // of the descriptor
  bool skip_last_grain = false;  // promised by tables, but not there

  std::string make(std::string_view disk) const;
};

// Little endian, over what is there.
void put32(std::string& image, std::size_t offset, std::uint32_t value);
void put64(std::string& image, std::size_t offset, std::uint64_t value);
std::uint32_t get32(const std::string& image, std::size_t offset);

// Bytes that do not repeat, with zeroes from `zero_from` to `zero_to`.
std::string sample_disk(std::size_t size, std::size_t zero_from = 0, std::size_t zero_to = 0);
std::string gzip(std::string_view text);

}  // namespace flyt::tests
