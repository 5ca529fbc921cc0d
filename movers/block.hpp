// A disk as blocks of 1 MiB: sizes, zero blocks and their digests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/digest.hpp"
#include "movers/mover.hpp"

namespace flyt::movers {

constexpr std::uint64_t block_count(std::uint64_t length) {
  return length / block_bytes + (length % block_bytes != 0 ? 1 : 0);
}

// Bytes of `block` on a disk of `length` bytes: block_bytes, less for the last. REQUIRES: it
// exists.
constexpr std::uint64_t block_size(std::uint64_t block, std::uint64_t length) {
  const std::uint64_t left = length - block * block_bytes;
  return left < block_bytes ? left : block_bytes;
}

// Stops at the first byte that is not zero. True for nothing.
bool is_zero(std::span<const std::byte> data);

// Of `size` zero bytes, at most block_bytes. A whole block's is computed once.
Digest zero_digest(std::uint64_t size);

// A whole block of zeroes.
std::span<const std::byte> zero_block();

}  // namespace flyt::movers
