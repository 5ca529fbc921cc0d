// Disk images for the mover's tests: made, compared and served.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "movers/mover.hpp"
#include "tests/faults/nbd_server.hpp"

namespace flyt::tests {

// `size` bytes that look random and depend on `seed`.
std::string noise(std::uint64_t size, std::uint64_t seed);
void make_file(const std::filesystem::path& path, std::uint64_t size);  // sparse, all zero
void put(const std::filesystem::path& path, std::uint64_t offset, const std::string& bytes);
std::string content(const std::filesystem::path& path);

// The root of these bytes by the definition, without any of the mover's code.
Digest root_of(const std::string& bytes);

// A raw file served by nbdkit with these filters and more arguments, as a channel.
struct FileDisk {
  FileDisk(const std::filesystem::path& path, const std::vector<std::string>& before = {},
           const std::vector<std::string>& after = {});
  ServedDisk server;
  UriChannel channel;
};

// A raw file served by nbdkit's eval plugin, where `methods` ("pwrite=SHELL SCRIPT") come before
// what would serve it honestly. Scripts find the file in $disk and may keep notes in $disk.*.
struct ScriptedDisk {
  ScriptedDisk(const std::filesystem::path& path, const std::vector<std::string>& methods);
  ServedDisk server;
  UriChannel channel;
};

// An honest pwrite script that fails with ENOSPC after `count` writes.
std::string writes_then_full(int count);

// A source and a target file of the same size in a folder, and the request to copy.
struct Pair {
  explicit Pair(std::uint64_t bytes, std::uint64_t target_size = 0);
  TempDir folder;
  std::filesystem::path source, target, manifest;
  std::uint64_t size;

  // Serves both and copies; the request's channels, manifest and view are filled in.
  Result<CopyReport> copy(CopyRequest request = {},
                          const std::vector<std::string>& source_filters = {},
                          const std::vector<std::string>& target_filters = {});
  Result<ReadBackReport> read_back();
  // The target's first bytes are the source's, what is behind them is zero.
  bool equal() const;
};

}  // namespace flyt::tests
