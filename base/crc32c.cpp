#include <array>
#include <cstring>

#include "base/digest.hpp"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace flyt {
namespace {

constexpr std::uint32_t reversed_polynomial = 0x82F63B78U;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? reversed_polynomial : 0U);
    }
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t by_table(std::span<const std::byte> data, std::uint32_t crc) {
  for (const std::byte byte : data) {
    crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU] ^ (crc >> 8);
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::span<const std::byte> data,
                                                               std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (data.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data(), sizeof word);
    wide = _mm_crc32_u64(wide, word);
    data = data.subspan(sizeof word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const std::byte byte : data) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(byte));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~by_instruction(data, ~seed);
#endif
  return ~by_table(data, ~seed);
}

}  // namespace flyt
