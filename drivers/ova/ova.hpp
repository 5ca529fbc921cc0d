// Packages that VMware exports (OVA, OVF folders) as a source: read only.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::ova {

std::span<const KeyInfo> keys();

// `path`: an .ova, an .ovf, or a folder in which such packages stand (also one folder below).
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::ova
