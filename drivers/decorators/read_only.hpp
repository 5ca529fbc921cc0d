// A driver that can only look: what flyt check, inventory and plan get.
#pragma once

#include <memory>

#include "drivers/driver.hpp"

namespace flyt {

// Passes info(), inventory(), observe() and console() alone; what the driver could do otherwise is
// Errc::denied and never reaches it, not even opening a disk for reading.
std::unique_ptr<Driver> read_only(std::unique_ptr<Driver> driver);

}  // namespace flyt
