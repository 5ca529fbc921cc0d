// What would hinder a migration from here: missing privileges, hosts and their ports out of
// reach, clocks that disagree, a licence that allows only reading, a VDDK that is not there.
#pragma once

#include <map>
#include <string>

#include "base/inventory.hpp"
#include "drivers/vsphere/session.hpp"
#include "drivers/vsphere/transport.hpp"

namespace flyt::vsphere {

// How much depends on VDDK.
struct VddkUse {
  VddkSetup setup;
  std::map<std::string, std::size_t> disks;  // that are read by it, by Host::id
  std::size_t all_disks() const;
};

// Adds Inventory::findings to `found`, which is the whole inventory of this session's server, and a
// note which VDDK there is.
Status find_hindrances(Session& session, const VddkUse& vddk, Inventory& found, const Call& call);

}  // namespace flyt::vsphere
