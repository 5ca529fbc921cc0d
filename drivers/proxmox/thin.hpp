// Whether a thin volume of LVM was ever written to.
#pragma once

#include <string_view>

#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {

// The kernel's own words for a volume and its pool: nothing is mapped yet, what is not mapped reads
// as zero and not as another volume's blocks, and the rest of a block that a write maps is zeroed.
// LVM's percentage would do as well, but for the last one.
extern const EmptyTest thin_test;

}  // namespace flyt::proxmox
