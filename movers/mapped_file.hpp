// A file's content in the address space, so that the kernel may drop it from memory at any time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt::movers {

class MappedFile {
 public:
  MappedFile() = default;
  // The first `size` bytes of `file`, to read. Stays when the file is closed or renamed over.
  static Result<MappedFile> map(const FileDescriptor& file, std::size_t size);
  // A file without a name in `folder`, of `size` zero bytes, to write.
  static Result<MappedFile> scratch(const std::filesystem::path& folder, std::size_t size);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::span<std::byte> writable() { return {data_, size_}; }

 private:
  MappedFile(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Takes these bytes of a mapped file out of memory until they are read again.
void drop(std::span<const std::byte> bytes);

// Drops what a walk through mapped bytes, in ascending order, has behind it: a few MiB stay.
class Trail {
 public:
  explicit Trail(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void reached(std::size_t offset);

 private:
  std::span<const std::byte> bytes_;
  std::size_t dropped_ = 0;
};

}  // namespace flyt::movers
