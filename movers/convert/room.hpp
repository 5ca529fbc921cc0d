// Room for the overlays of a conversion, on the disk of the state folder.
#pragma once

#include <filesystem>

#include "base/process.hpp"

namespace flyt {

// Errc::unavailable where `folder` has less than 16 MiB left for us.
Status check_room(const std::filesystem::path& folder);

// As run(); ends the program, with the error of check_room(), when room gets short under it.
Result<Finished> run_with_room(const Command& command, const std::filesystem::path& folder,
                               const Call& call);

}  // namespace flyt
