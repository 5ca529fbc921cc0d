// What an overlay holds: the output of `qemu-img map --output=json` of the overlay without its
// backing.
#pragma once

#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/result.hpp"

namespace flyt {

// The extents that stand in the overlay itself, ascending, neighbours of one kind joined.
// Errc::internal for anything that is not such a map. Never throws.
Result<std::vector<Extent>> parse_changed_map(std::string_view json);

}  // namespace flyt
