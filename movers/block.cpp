#include "movers/block.hpp"

#include <cstring>
#include <vector>

namespace flyt::movers {

bool is_zero(std::span<const std::byte> data) {
  if (data.empty()) return true;
  return data[0] == std::byte{0} && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0;
}

Digest zero_digest(std::uint64_t size) {
  if (size != block_bytes) return sha256(zero_block().first(size));
  static const Digest whole = sha256(zero_block());
  return whole;
}

std::span<const std::byte> zero_block() {
  static const std::vector<std::byte> zeroes(block_bytes);
  return zeroes;
}

}  // namespace flyt::movers
