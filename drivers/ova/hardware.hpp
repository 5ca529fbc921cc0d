// What a descriptor says of a machine, in flyt's own words. Looks at no file but the descriptor.
#pragma once

#include <string>
#include <string_view>

#include "base/machine.hpp"
#include "drivers/ova/ovf.hpp"

namespace flyt::ova {

// Name, processors, memory, firmware, guest, disks in bus order, network cards, and what will not
// travel as concerns. Left empty: id, uuid, and of disks what only their files can tell.
// Disk::id is the id of its OvfDisk, or "file:ID" where a whole file is the disk.
Machine machine_of(const OvfPackage& package, const OvfSystem& system);

// VMware's word or the descriptor's CIM number and text.
GuestFamily guest_family_of(const OvfSystem& system);

inline constexpr std::string_view file_disk = "file:";

const OvfFile* find_file(const OvfPackage& package, std::string_view id);
const OvfDisk* find_disk(const OvfPackage& package, std::string_view id);

}  // namespace flyt::ova
