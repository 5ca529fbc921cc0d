// A saved inventory: what `flyt inventory -o` writes.
#pragma once

#include <filesystem>

#include "base/inventory.hpp"
#include "base/result.hpp"

namespace flyt {

// Errc::invalid names what is wrong, and what would make a right one: no inventory, or one whose
// machines or disks cannot be told apart.
Result<Inventory> read_inventory_file(const std::filesystem::path& file);

}  // namespace flyt
