#include "drivers/memory/disk_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace flyt::memory {
namespace {

constexpr std::uint64_t chunk_bytes = 64 * 1024;
constexpr std::size_t page_extents = 1024;

Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!file) return system_error(fmt::format("opening {}", path.native()), errno);
  return file;
}

Result<std::uint64_t> size_of(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("asking for a file's size", errno);
  return static_cast<std::uint64_t>(status.st_size);
}

// splitmix64: every chunk is made from its own number, so any part can be made alone.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
  return z ^ (z >> 31U);
}

// False: the chunk stays a hole.
bool fill_chunk(std::span<std::byte> chunk, std::uint64_t seed, std::uint64_t number) {
  std::uint64_t state = seed * 0x100000001b3 + number;
  if (next_random(state) % 4 == 0 && number != 0) return false;
  for (std::size_t at = 0; at < chunk.size(); at += 8) {
    std::uint64_t word = next_random(state);
    for (std::size_t i = at; i < std::min(at + 8, chunk.size()); ++i, word >>= 8U) {
      chunk[i] = static_cast<std::byte>(word & 0xffU);
    }
  }
  return true;
}

Status write_all(const FileDescriptor& file, std::span<const std::byte> data,
                 std::uint64_t offset) {
  while (!data.empty()) {
    const ssize_t count =
        ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("writing a disk's file", errno);
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return ok();
}

Status fill(const FileDescriptor& file, std::uint64_t size, std::uint64_t seed) {
  std::vector<std::byte> chunk(chunk_bytes);
  for (std::uint64_t offset = 0; offset < size; offset += chunk_bytes) {
    const auto length = static_cast<std::size_t>(std::min(chunk_bytes, size - offset));
    const std::span<std::byte> part = std::span(chunk).first(length);
    if (fill_chunk(part, seed, offset / chunk_bytes)) FLYT_TRY(write_all(file, part, offset));
  }
  return ok();
}

Status copy_extent(const FileDescriptor& from, const FileDescriptor& to, const Extent& extent) {
  auto in = static_cast<off_t>(extent.offset);
  off_t out = in;
  const off_t end = in + static_cast<off_t>(extent.length);
  std::vector<std::byte> buffer;
  while (in < end) {
    const auto left = static_cast<std::size_t>(end - in);
    if (buffer.empty()) {
      const ssize_t count = ::copy_file_range(from.get(), &in, to.get(), &out, left, 0);
      if (count > 0 || (count < 0 && errno == EINTR)) continue;
      if (count < 0 && errno == ENOSPC) return system_error("copying a disk's file", errno);
      buffer.resize(1U << 20U);  // the kernel does not do it here
    }
    const auto part = std::span(buffer).first(std::min(left, buffer.size()));
    FLYT_TRY(read_all(from, part, static_cast<std::uint64_t>(in)));
    FLYT_TRY(write_all(to, part, static_cast<std::uint64_t>(in)));
    in += static_cast<off_t>(part.size());
    out = in;
  }
  return ok();
}

Status copy_content(const FileDescriptor& from, const FileDescriptor& to) {
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) return ok();
  FLYT_ASSIGN(const std::uint64_t size, size_of(from));
  if (::ftruncate(to.get(), static_cast<off_t>(size)) != 0) {
    return system_error("sizing a disk's file", errno);
  }
  for (std::uint64_t at = 0;;) {
    FLYT_ASSIGN(const auto data, next_data(from, at, size));
    if (!data) return ok();
    FLYT_TRY(copy_extent(from, to, *data));
    at = data->offset + data->length;
  }
}

// Written under another name first: a file that has its name is complete.
template <typename Write>
Status make_whole(const std::filesystem::path& path, Write write) {
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed)
    return system_error(fmt::format("making {}", path.parent_path().native()), failed.value());
  const std::filesystem::path part = path.native() + ".part";
  {
    FLYT_ASSIGN(const FileDescriptor file, open_file(part, O_RDWR | O_CREAT | O_TRUNC));
    FLYT_TRY(write(file));
    if (::fdatasync(file.get()) != 0) return system_error("syncing a disk's file", errno);
  }
  std::filesystem::rename(part, path, failed);
  if (failed) return system_error(fmt::format("making {}", path.native()), failed.value());
  return ok();
}

// A disk's file, or a disk that was never written.
class Content {
 public:
  static Result<Content> of(const std::filesystem::path& path, std::uint64_t size) {
    Content content;
    content.size_ = size;
    auto file = open_file(path, O_RDONLY);
    if (file) {
      content.file_ = std::move(*file);
    } else if (file.error().code != Errc::not_found) {
      return std::move(file).error();
    }
    return content;
  }

  // Where the next byte that may not be zero is; the size: there is none.
  Result<std::uint64_t> next(std::uint64_t from) const {
    if (!file_) return size_;
    FLYT_ASSIGN(const auto data, next_data(file_, from, size_));
    return data ? data->offset : size_;
  }

  Status read(std::span<std::byte> data, std::uint64_t offset) const {
    if (file_) return read_all(file_, data, offset);
    std::fill(data.begin(), data.end(), std::byte{0});
    return ok();
  }

 private:
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

void append(std::vector<Extent>& page, const Extent& extent) {
  if (!page.empty() && page.back().offset + page.back().length == extent.offset &&
      page.back().zero == extent.zero) {
    page.back().length += extent.length;
  } else {
    page.push_back(extent);
  }
}

}  // namespace

Status read_all(const FileDescriptor& file, std::span<std::byte> data, std::uint64_t offset) {
  while (!data.empty()) {
    const ssize_t count = ::pread(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("reading a disk's file", errno);
    if (count == 0) {
      std::fill(data.begin(), data.end(), std::byte{0});
      return ok();
    }
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return ok();
}

Result<FileDescriptor> open_disk_file(const std::filesystem::path& path) {
  return open_file(path, O_RDONLY);
}

Status make_disk_file(const std::filesystem::path& path, std::uint64_t size,
                      std::optional<std::uint64_t> seed) {
  std::error_code failed;
  if (std::filesystem::exists(path, failed)) return ok();
  return make_whole(path, [&](const FileDescriptor& file) -> Status {
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
      return system_error(fmt::format("sizing {}", path.native()), errno);
    }
    if (seed) FLYT_TRY(fill(file, size, *seed));
    // A disk that nobody has written has one stamp, whether its file is made yet or not.
    const std::array<timespec, 2> never{};
    if (::futimens(file.get(), never.data()) == 0) return ok();
    return system_error(fmt::format("dating {}", path.native()), errno);
  });
}

std::string stamp_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "0.0";
  return fmt::format("{}.{}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

Status copy_disk_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  FLYT_ASSIGN(const FileDescriptor source, open_file(from, O_RDONLY));
  return make_whole(to, [&](const FileDescriptor& file) { return copy_content(source, file); });
}

Result<std::optional<Extent>> next_data(const FileDescriptor& file, std::uint64_t from,
                                        std::uint64_t size) {
  if (from >= size) return std::optional<Extent>();
  const off_t data = ::lseek(file.get(), static_cast<off_t>(from), SEEK_DATA);
  if (data < 0 && errno == ENXIO) return std::optional<Extent>();
  if (data < 0) return system_error("looking for data in a disk's file", errno);
  const auto start = static_cast<std::uint64_t>(data);
  if (start >= size) return std::optional<Extent>();
  const off_t hole = ::lseek(file.get(), data, SEEK_HOLE);
  if (hole < 0) return system_error("looking for holes in a disk's file", errno);
  const std::uint64_t end = std::min(static_cast<std::uint64_t>(hole), size);
  return std::optional<Extent>(Extent{start, end - start, false});
}

Result<std::vector<Extent>> differences(const std::filesystem::path& before,
                                        const std::filesystem::path& now, std::uint64_t size,
                                        std::uint64_t from, const Call& call) {
  FLYT_ASSIGN(const Content old_content, Content::of(before, size));
  FLYT_ASSIGN(const Content new_content, Content::of(now, size));
  std::vector<Extent> page;
  std::vector<std::byte> buffers(2 * chunk_bytes);
  while (page.size() < page_extents) {
    FLYT_TRY(proceed(call, "comparing a disk with its earlier content"));
    FLYT_ASSIGN(const std::uint64_t old_next, old_content.next(from));
    FLYT_ASSIGN(const std::uint64_t new_next, new_content.next(from));
    // Chunks stand at multiples of their size, also after an odd `from`.
    const std::uint64_t start =
        std::max(from, std::min(old_next, new_next) / chunk_bytes * chunk_bytes);
    if (start >= size) break;
    const std::uint64_t end = std::min(size, (start / chunk_bytes + 1) * chunk_bytes);
    const auto length = static_cast<std::size_t>(end - start);
    const auto old_part = std::span(buffers).first(length);
    const auto new_part = std::span(buffers).subspan(chunk_bytes, length);
    FLYT_TRY(old_content.read(old_part, start));
    FLYT_TRY(new_content.read(new_part, start));
    if (!std::equal(old_part.begin(), old_part.end(), new_part.begin())) {
      append(page, {start, end - start, new_next >= end});
    }
    from = end;
  }
  return page;
}

}  // namespace flyt::memory
