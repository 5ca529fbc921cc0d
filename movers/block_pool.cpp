#include "movers/block_pool.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "base/durable_file.hpp"
#include "movers/mover.hpp"

namespace flyt::movers {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

Result<BlockPool> BlockPool::make(std::size_t blocks) {
  // One huge page more, so that the first block can begin on one.
  const std::size_t size = blocks * block_bytes + huge_page;
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return system_error("cannot get memory for a copy", errno);
  madvise(data, size, MADV_HUGEPAGE);
  return BlockPool(static_cast<std::byte*>(data), size);
}

BlockPool::BlockPool(BlockPool&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

BlockPool::~BlockPool() {
  if (data_ != nullptr) munmap(data_, size_);
}

std::span<std::byte> BlockPool::block(std::size_t index) const {
  const auto address = reinterpret_cast<std::uintptr_t>(data_);
  const std::size_t shift = (huge_page - address % huge_page) % huge_page;
  return {data_ + shift + index * block_bytes, block_bytes};
}

}  // namespace flyt::movers
