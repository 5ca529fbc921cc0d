// What only a try can tell of an endpoint: flyt check --deep.
#pragma once

#include "drivers/driver.hpp"

namespace flyt::cli {

// Reads the first MiB of one disk in each way that the inventory's disks are read
// (Disk::stream_only and read_by): the smallest of a machine that is off, and so without a view.
// Tells it in `found.notes`, and as a finding what fails or cannot be tried. Nothing is changed;
// while an export lease is held, its machine cannot be switched on. REQUIRES: the driver can read.
void try_reading(Driver& driver, Inventory& found, const Call& call);

}  // namespace flyt::cli
