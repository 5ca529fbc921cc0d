// Volumes without a machine stand in the place of one wherever something is moved: Machine::bare.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/inventory.hpp"

namespace flyt {

// Machine::id of the volume's stand-in, and its uuid where the volume has none.
std::string bare_id(std::string_view volume);
// Volume::id; nothing: the id is a machine's.
std::optional<std::string> bare_volume_of(std::string_view machine);

// Switched off, with one disk, whose id is the volume's.
Machine bare_machine(const Volume& volume);

}  // namespace flyt
