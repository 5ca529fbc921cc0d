// Landing by the API alone: what was staged here is uploaded, and imported into the machine's disk.
#pragma once

#include <string>
#include <vector>

#include "drivers/driver.hpp"
#include "drivers/proxmox/context.hpp"
#include "drivers/proxmox/inventory.hpp"

namespace flyt::proxmox {

// As Driver::land().
Result<std::vector<LandedDisk>> land(Context& context, const LandSpec& spec, const Call& call);

// The staged disk that stands for a machine's disk. REQUIRES: the machine is a migration's.
StagedDisk staged_disk(const Machine& machine, std::size_t index, const Owner& owner);

// Which storage takes uploads on a node: the one that the site names, else of those that take
// images the one with the most room. Errc::not_found, with what to do.
Result<StorageFacts> import_storage(const std::vector<StorageFacts>& storages,
                                    const std::string& node, const Settings& settings);

// How disks come to the storages, and what room they take on their way.
void add_landing(Context& context, const Cluster& cluster, Inventory& found, const Call& call);

// What uploads have left on the storages of a node under a migration's name. Gone is success.
Status remove_uploads(Context& context, const std::string& node, const std::string& migration_id,
                      const Call& call);

}  // namespace flyt::proxmox
