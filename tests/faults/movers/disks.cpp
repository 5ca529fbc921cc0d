#include "tests/faults/movers/disks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

#include "base/durable_file.hpp"
#include "base/units.hpp"
#include "tests/tree_root.hpp"

namespace flyt::tests {

std::string noise(std::uint64_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size + 8, '\0');
  for (std::uint64_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(&bytes[at], &word, 8);
  }
  bytes.resize(size);
  return bytes;
}

void make_file(const std::filesystem::path& path, std::uint64_t size) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).flush();
  std::filesystem::resize_file(path, size);
}

void put(const std::filesystem::path& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string content(const std::filesystem::path& path) { return read_file(path, gib).value_or(""); }

Digest root_of(const std::string& bytes) {
  std::vector<Digest> leaves;
  for (std::size_t at = 0; at < bytes.size(); at += 1 << 20) {
    leaves.push_back(sha256(std::string_view(bytes).substr(at, 1 << 20)));
  }
  return tree_root(leaves, bytes.size());
}

namespace {

std::vector<std::string> file_arguments(const std::filesystem::path& path,
                                        std::vector<std::string> before,
                                        const std::vector<std::string>& after) {
  before.insert(before.end(), {"file", path.string()});
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

}  // namespace

FileDisk::FileDisk(const std::filesystem::path& path, const std::vector<std::string>& before,
                   const std::vector<std::string>& after)
    : server(ServedDisk::nbdkit(file_arguments(path, before, after))),
      channel(server.uri(), std::filesystem::file_size(path)) {}

namespace {

struct Method {
  const char *name, *script;
};

constexpr const char* honest_pwrite =
    "dd of=\"$disk\" bs=1M seek=$4 oflag=seek_bytes conv=notrunc status=none";
constexpr Method honest[] = {
    {"get_size=", "stat -c %s \"$disk\""},
    {"pread=",
     "dd if=\"$disk\" bs=1M skip=$4 count=$3 iflag=skip_bytes,count_bytes,fullblock status=none"},
    {"pwrite=", honest_pwrite},
    {"flush=", "exit 0"}};

std::vector<std::string> script_arguments(const std::filesystem::path& path,
                                          const std::vector<std::string>& methods) {
  std::vector<std::string> all(1, "eval");
  const auto add = [&](std::string_view name, std::string_view script) {
    all.emplace_back(name).append("disk='").append(path.string()).append("'; ").append(script);
  };
  for (const std::string& method : methods) {
    const std::size_t name = method.find('=') + 1;
    add(std::string_view(method).substr(0, name), std::string_view(method).substr(name));
  }
  for (const auto& [name, script] : honest) {
    bool given = false;
    for (const std::string& method : methods) given = given || method.starts_with(name);
    if (!given) add(name, script);
  }
  return all;
}

}  // namespace

ScriptedDisk::ScriptedDisk(const std::filesystem::path& path,
                           const std::vector<std::string>& methods)
    : server(ServedDisk::nbdkit(script_arguments(path, methods))),
      channel(server.uri(), std::filesystem::file_size(path)) {}

std::string writes_then_full(int count) {
  return "pwrite=echo >> \"$disk.writes\"; if [ $(wc -l < \"$disk.writes\") -gt " +
         std::to_string(count) + " ]; then echo ENOSPC full >&2; exit 1; fi; " + honest_pwrite;
}

Pair::Pair(std::uint64_t bytes, std::uint64_t target_size)
    : source(folder / "source"),
      target(folder / "target"),
      manifest(folder / "manifest"),
      size(bytes) {
  make_file(source, size);
  make_file(target, target_size == 0 ? size : target_size);
}

namespace {

// "--filter=x" before the plugin, "key=value" behind it.
std::vector<std::string> part(const std::vector<std::string>& words, bool filters) {
  std::vector<std::string> found;
  for (const std::string& word : words) {
    if (word.starts_with("-") == filters) found.push_back(word);
  }
  return found;
}

}  // namespace

Result<CopyReport> Pair::copy(CopyRequest request, const std::vector<std::string>& source_filters,
                              const std::vector<std::string>& target_filters) {
  FileDisk from(source, part(source_filters, true), part(source_filters, false));
  FileDisk to(target, part(target_filters, true), part(target_filters, false));
  request.source = &from.channel;
  request.target = &to.channel;
  request.manifest = manifest;
  return make_mover()->copy(request, {});
}

Result<ReadBackReport> Pair::read_back() {
  FileDisk disk(target);
  return make_mover()->read_back({&disk.channel, manifest, size}, {});
}

bool Pair::equal() const {
  const std::string from = content(source), to = content(target);
  return to.substr(0, from.size()) == from &&
         to.find_first_not_of('\0', from.size()) == std::string::npos;
}

}  // namespace flyt::tests
