// The domain XML that virt-v2v-in-place reads: the guest's disks as overlays.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/machine.hpp"

namespace flyt {

// `overlays`: absolute paths of qcow2 files, in bus order. Discards are ignored, so that what a
// trim would drop stays as the source had it.
std::string conversion_domain(const Machine& source,
                              const std::vector<std::filesystem::path>& overlays, bool kvm);

}  // namespace flyt
