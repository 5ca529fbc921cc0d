// libvirt with QEMU: machines that are off, as source and target.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::virt {

std::span<const KeyInfo> keys();
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::virt
