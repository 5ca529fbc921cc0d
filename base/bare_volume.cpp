#include "base/bare_volume.hpp"

namespace flyt {
namespace {

constexpr std::string_view prefix = "volume:";

}  // namespace

std::string bare_id(std::string_view volume) { return std::string(prefix).append(volume); }

std::optional<std::string> bare_volume_of(std::string_view machine) {
  if (!machine.starts_with(prefix)) return std::nullopt;
  return std::string(machine.substr(prefix.size()));
}

Machine bare_machine(const Volume& volume) {
  Machine machine;
  machine.id = bare_id(volume.id);
  machine.uuid = volume.uuid.empty() ? machine.id : volume.uuid;
  machine.name = volume.name;
  machine.bare = volume.kind;
  machine.migration_id = volume.migration_id;
  machine.power = Power::off;
  Disk disk;
  disk.id = volume.id;
  disk.label = volume.kind;
  disk.size_bytes = volume.size_bytes;
  disk.storage = volume.storage;
  disk.format = volume.format;
  disk.left_out = volume.left_out;
  machine.disks.push_back(std::move(disk));
  return machine;
}

}  // namespace flyt
