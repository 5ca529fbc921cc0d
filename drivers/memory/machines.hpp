// Making, changing and removing machines of a world.
#pragma once

#include <string>

#include "base/call.hpp"
#include "base/machine_spec.hpp"
#include "drivers/memory/world.hpp"

namespace flyt::memory {

Result<Machine> create(const WorldFolder& folder, LockedWorld& locked, const MachineSpec& spec);
Result<Machine> update(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
                       const MachineSpec& spec);
Result<Enrolment> enrol(LockedWorld& locked, const std::string& id, const Enrolment& wanted,
                        const Owner& owner);
Status destroy(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
               const Owner& owner, const Call& call);
// As Driver::publish().
Result<Machine> publish(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
                        const MachineSpec& spec, const Call& call);

// Milliseconds of the system's clock, as Inside::shown_from counts them.
std::int64_t now_ms();

}  // namespace flyt::memory
