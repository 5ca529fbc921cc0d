// A whole platform in a folder: for tests, for examples, and the first driver to read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/driver.hpp"
#include "drivers/memory/world.hpp"

namespace flyt::memory {

std::span<const KeyInfo> keys();

// Without the key `world`: an empty world in a private folder that goes with the driver.
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

// A world with a host, a storage and a network, and nothing else.
World empty_world(const std::string& platform_id);

struct SeededDisk {
  std::uint64_t size_bytes = 0;
  std::optional<std::uint64_t> seed;  // none: zeroes
  bool stream_only = false;
};

// Puts a machine with those disks into the world: id and name are `name`, powered off, BIOS, LSI
// SCSI, one e1000. The machine may be changed afterwards; stays valid until the next one is added.
Machine& add_machine(World& world, const std::string& name, const std::vector<SeededDisk>& disks);

// The same for a volume without a machine; `kind` as Volume::kind.
Machine& add_volume(World& world, const std::string& name, const std::string& kind,
                    const SeededDisk& content);

// Writes the world into `folder` and opens it: a second driver on the same folder sees the same.
Result<std::unique_ptr<Driver>> make(const World& world, const std::filesystem::path& folder);

}  // namespace flyt::memory
