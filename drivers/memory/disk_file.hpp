// The bytes of disks: sparse files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt::memory {

// Makes `path` with its parents where it is missing, whole or not at all. With a seed it holds
// pseudo-random chunks of 64 KiB, one in four of them a hole; without, it reads as zero.
Status make_disk_file(const std::filesystem::path& path, std::uint64_t size,
                      std::optional<std::uint64_t> seed);

// Disk::stamp of the disk with this file.
std::string stamp_of(const std::filesystem::path& path);

// `to` must not exist. Holes stay holes; shares the blocks where the file system can.
Status copy_disk_file(const std::filesystem::path& from, const std::filesystem::path& to);

// The next data at or after `from`, as SEEK_DATA and SEEK_HOLE tell; nothing: only a hole is left.
Result<std::optional<Extent>> next_data(const FileDescriptor& file, std::uint64_t from,
                                        std::uint64_t size);

// Beyond the end reads as zero.
Status read_all(const FileDescriptor& file, std::span<std::byte> data, std::uint64_t offset);
Result<FileDescriptor> open_disk_file(const std::filesystem::path& path);

// The extents of `now`, in whole chunks of 64 KiB, that differ from `before`: one page of them, at
// or after `from`. A file that is missing reads as zero.
Result<std::vector<Extent>> differences(const std::filesystem::path& before,
                                        const std::filesystem::path& now, std::uint64_t size,
                                        std::uint64_t from, const Call& call);

}  // namespace flyt::memory
