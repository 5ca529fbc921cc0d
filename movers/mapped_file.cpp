#include "movers/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace flyt::movers {

Result<MappedFile> MappedFile::map(const FileDescriptor& file, std::size_t size) {
  if (size == 0) return MappedFile{};
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return system_error("cannot map a manifest", errno);
  return MappedFile(static_cast<std::byte*>(data), size);
}

Result<MappedFile> MappedFile::scratch(const std::filesystem::path& folder, std::size_t size) {
  if (size == 0) return MappedFile{};
  const FileDescriptor file(
      open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return system_error("cannot make a temporary file in " + folder.string(), errno);
  // Allocated now: a full disk is an error here, not a signal later.
  if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); error != 0) {
    return system_error("cannot make a temporary file in " + folder.string(), error);
  }
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return system_error("cannot map a temporary file", errno);
  return MappedFile(static_cast<std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

void drop(std::span<const std::byte> bytes) {
  constexpr std::uintptr_t page = 4096;
  // The pages at both ends may hold more: they are read again from the file.
  auto* const begin = const_cast<std::byte*>(bytes.data());
  const std::uintptr_t before = reinterpret_cast<std::uintptr_t>(begin) % page;
  if (!bytes.empty()) madvise(begin - before, bytes.size() + before, MADV_DONTNEED);
}

void Trail::reached(std::size_t offset) {
  constexpr std::size_t window = std::size_t{4} << 20;
  if (offset < dropped_ + window || offset > bytes_.size()) return;
  drop(bytes_.subspan(dropped_, offset - dropped_));
  dropped_ = offset;
}

}  // namespace flyt::movers
