// The table of all drivers, and opening one of them.
#pragma once

#include <span>

#include "drivers/driver.hpp"

namespace flyt {

std::span<const DriverEntry> all_drivers();

// Checks the endpoint's keys against the table, then opens. Errc::invalid names the wrong or
// missing key, or the unknown driver, and the nearest right one.
Result<std::unique_ptr<Driver>> open_driver(const EndpointConfig& config, const Call& call);

}  // namespace flyt
