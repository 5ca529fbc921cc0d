// What would hinder a migration from here: missing privileges, hosts out of reach, clocks that
// disagree, a licence that allows only reading.
#pragma once

#include "base/inventory.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// Adds Inventory::findings to `found`, which is the whole inventory of this session's server.
Status find_hindrances(Session& session, Inventory& found, const Call& call);

}  // namespace flyt::vsphere
