// Whether a volume is in use.
#pragma once

#include <string>

#include "base/result.hpp"
#include "drivers/proxmox/api.hpp"

namespace flyt::proxmox {

// Of all machines and containers that the login may see, as they are and as their snapshots keep
// them; in a slot or as an unused one. Errc::denied: one names `volume`, "local:iso/debian.iso".
// A node that does not answer is an error: what its machines use is not known.
Status check_unused(Api& api, const std::string& volume, const Call& call);

}  // namespace flyt::proxmox
