// Secure Boot and TPM of a copy: as the source has them, where the target can and the site lets.
#pragma once

#include <vector>

#include "base/inventory.hpp"
#include "base/site.hpp"

namespace flyt {

bool keeps_secure_boot(const Machine& source, const MachineSettings& settings,
                       const Inventory& target);
// A new, empty one.
bool gets_tpm(const Machine& source, const MachineSettings& settings, const Inventory& target);
// What of a machine's firmware has to be said. `target` null: none is chosen yet.
void assess_firmware(const MachineSettings& settings, const Inventory* target,
                     const Machine& machine, std::vector<Concern>& found);

}  // namespace flyt
