// Views and change tracking: copies of disk files, kept by name.
#pragma once

#include "base/channel.hpp"
#include "drivers/memory/world.hpp"

namespace flyt::memory {

// Why no view holds the disk; empty: views do.
std::string left_out_of_views(const Inside& inside, const Disk& disk);

Status set_tracking(const WorldFolder& folder, LockedWorld& locked, const std::string& machine,
                    bool on);
Result<View> make_view(const WorldFolder& folder, LockedWorld& locked, const ViewSpec& spec);
Status drop_view(const WorldFolder& folder, LockedWorld& locked, const ViewSpec& spec);

// The file a disk has now, made at its first use.
Result<std::filesystem::path> disk_file(const WorldFolder& folder, const World& world,
                                        const Machine& machine, const Disk& disk);
std::filesystem::path file_in(const std::filesystem::path& copies, const std::string& disk);

}  // namespace flyt::memory
