// An export of RVTools in place of a vCenter: to assess and to plan.
#pragma once

#include <memory>
#include <span>

#include "drivers/driver.hpp"

namespace flyt::rvtools {

std::span<const KeyInfo> keys();

// `path`: an .xlsx, or a folder of .csv files. It is read anew by each call.
Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call);

}  // namespace flyt::rvtools
