// The root over a disk's blocks by its definition, without any of the mover's code.
#pragma once

#include <cstdint>
#include <vector>

#include "base/digest.hpp"

namespace flyt::tests {

// SHA-256(02 ‖ u64le length ‖ MTH), with MTH of RFC 6962 section 2.1 as it stands there.
Digest tree_root(const std::vector<Digest>& leaves, std::uint64_t length);

}  // namespace flyt::tests
