// What of an inventory that was read as a whole is asked for.
#pragma once

#include "base/inventory.hpp"
#include "base/result.hpp"
#include "drivers/driver.hpp"

namespace flyt {

// As Driver::inventory() has it of `scope`. Errc::not_found: no such machine.
Result<Inventory> narrowed(Inventory whole, const Scope& scope);

}  // namespace flyt
