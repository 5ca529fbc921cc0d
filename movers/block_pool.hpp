// The memory of a pass, taken once.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.hpp"

namespace flyt::movers {

// Blocks of 1 MiB in huge pages where the kernel has them.
class BlockPool {
 public:
  static Result<BlockPool> make(std::size_t blocks);
  BlockPool(BlockPool&& other) noexcept;
  BlockPool& operator=(BlockPool&&) = delete;
  ~BlockPool();

  std::span<std::byte> block(std::size_t index) const;

 private:
  BlockPool(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  std::byte* data_;
  std::size_t size_;
};

}  // namespace flyt::movers
