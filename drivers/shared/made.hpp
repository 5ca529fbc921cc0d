// What a driver asks of a machine that is said to be one of flyt's making.
#pragma once

#include "base/machine.hpp"
#include "base/machine_spec.hpp"
#include "base/result.hpp"

namespace flyt {

// Errc::denied unless the migration made it.
Status check_ours(const Machine& machine, const Owner& owner);

// `fits`: whether a disk is as large as the platform makes one that is asked for so.
using Fits = bool(const Disk& made, const DiskSpec& asked);

// A machine of this migration that is there already is the one that is asked for, or in the way:
// Errc::exists.
Status check_as_asked(const Machine& made, const MachineSpec& spec, Fits* fits);

// Errc::invalid: the disks are others than `spec` has; update_machine() changes none.
Status check_same_disks(const Machine& machine, const MachineSpec& spec, Fits* fits);

}  // namespace flyt
