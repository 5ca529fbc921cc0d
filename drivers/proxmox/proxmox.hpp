// Proxmox VE by its API, and by SSH to its nodes for the disks. docs/drivers/proxmox.md.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::proxmox {

std::span<const KeyInfo> keys();
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::proxmox
