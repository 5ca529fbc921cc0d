// VMware vSphere: a vCenter or a single ESXi host, as a source.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::vsphere {

std::span<const KeyInfo> keys();
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::vsphere
