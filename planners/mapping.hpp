// From names on the source to names on the target, as the site maps them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/inventory.hpp"
#include "base/site.hpp"

namespace flyt {

// The target's own table before the one for all, in each a name before "*"; then the same name on
// the target. `line`: what was applied, or what could be written into the site file.
template <typename Target>
struct Mapped {
  std::optional<Target> to;  // nothing: not mapped
  bool exists = false;       // on the target
  std::string why;           // "mapped by the site", "the same name"
  std::string line;          // TOML that would map it
};

Mapped<NetworkTarget> map_network(const Site& site, const Inventory& target,
                                  std::string_view source);
// Of those that take a machine's disks. A target with a single one needs no mapping.
Mapped<std::string> map_storage(const Site& site, const Inventory& target, std::string_view source);
// Of those that take volumes of this kind. A "*" that leads elsewhere is meant for machines' disks
// where a single storage takes the kind.
Mapped<std::string> map_volume(const Site& site, const Inventory& target, std::string_view source,
                               std::string_view kind);

const Network* find_network(const Inventory& target, std::string_view name);
const Storage* find_storage(const Inventory& target, std::string_view name);

}  // namespace flyt
