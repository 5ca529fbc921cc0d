// A folder of packages, and the driver on it.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/process.hpp"
#include "drivers/ova/ova.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"
#include "tests/unit/drivers/ova/package_maker.hpp"
#include "tests/unit/drivers/shared/vmdk_maker.hpp"

namespace flyt::tests {

struct Shelf {
  TempDir temp;
  std::unique_ptr<Driver> driver;

  explicit Shelf(const std::string& path = "packages") {
    std::filesystem::create_directories(temp / "packages");
    EndpointConfig config;
    config.name = "ova";
    config.driver = "ova";
    config.values["path"] = path;
    config.folder = temp.path();
    config.state = temp / "state";
    auto opened = ova::open(config, {});
    REQUIRE(opened);
    driver = *std::move(opened);
  }
  void put(const std::string& name, std::string_view content) const {
    write(temp / "packages" / name, content);
  }
  // Writes into the file that is there, as often as the file system's clock needs to show it, and
  // puts its time of modification back.
  void put_unseen(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = temp / "packages" / name;
    const auto modified = std::filesystem::last_write_time(path);
    const auto changed = [&path] {
      struct stat status = {};
      REQUIRE(::stat(path.c_str(), &status) == 0);
      return std::pair(status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    };
    const auto before = changed();
    while (changed() == before) {
      write(path, content);
      std::filesystem::last_write_time(path, modified);
    }
  }
  Inventory inventory(const Scope& scope = {}) const {
    auto found = driver->inventory(scope, {});
    if (!found) FAIL(found.error().what << ": " << found.error().seen);
    return *std::move(found);
  }
  Machine only_machine() const {
    const Inventory found = inventory();
    REQUIRE(found.machines.size() == 1);
    return found.machines.front();
  }
  Result<std::unique_ptr<Channel>> open(const std::string& machine,
                                        const std::string& disk = "vmdisk1") const {
    return driver->open({machine, disk}, {});
  }
};

inline const std::string& disk() {
  static const std::string bytes = sample_disk(10 * 65536 + 512, 2 * 65536, 5 * 65536);
  return bytes;
}

inline PackageMaker one_disk() {
  PackageMaker maker;
  maker.disks = {{"web01-disk1.vmdk", VmdkMaker{}.make(disk()), disk().size()}};
  return maker;
}

inline const Concern* concern(const Machine& machine, std::string_view code) {
  for (const Concern& one : machine.concerns) {
    if (one.code == code) return &one;
  }
  return nullptr;
}

// All of a stream, or its error.
inline Result<std::string> drained(Channel& channel) {
  std::string bytes;
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    FLYT_ASSIGN(const auto extent, channel.next(buffer, {}));
    if (!extent) break;
    if (extent->offset != bytes.size()) return Error{Errc::internal, "a gap"};
    if (extent->zero) {
      bytes.append(extent->length, '\0');
    } else {
      bytes.append(reinterpret_cast<const char*>(buffer.data()), extent->length);
    }
  }
  FLYT_TRY(channel.close({}));
  return bytes;
}

// Everything that an NBD client reads.
inline std::string copied(const Channel& channel, const std::filesystem::path& to) {
  const auto copy = check({{"nbdcopy", channel.info().uri, to.string()}}, {});
  if (!copy) FAIL(copy.error().what << ": " << copy.error().seen);
  return read(to);
}

inline bool has_nbd() { return find_program("qemu-nbd") && find_program("nbdcopy"); }

}  // namespace flyt::tests
