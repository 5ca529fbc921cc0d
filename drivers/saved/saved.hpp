// An inventory that `flyt inventory -o` has saved, in place of the platform: to assess and to plan.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::saved {

std::span<const KeyInfo> keys();

// `path`: the file. It is read anew by each call.
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::saved
