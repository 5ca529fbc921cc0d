// Which privileges the user of a session lacks, and where.
#pragma once

#include <vector>

#include "base/inventory.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// One finding for each purpose that lacks something on `inventory`, which is of this session. Where
// the server does not tell, that is the only finding. An error: the call was stopped.
Result<std::vector<Finding>> missing_rights(Session& session, const Inventory& inventory,
                                            const Call& call);

}  // namespace flyt::vsphere
