// Reading machines and the ground through libvirt.
#pragma once

#include <string>
#include <vector>

#include "base/inventory.hpp"
#include "drivers/libvirt/domain_xml.hpp"
#include "drivers/libvirt/handles.hpp"

namespace flyt {
struct Call;
}

namespace flyt::virt {

struct Context;

// A machine and what of it only this driver needs to know.
struct DomainHere {
  Domain handle;
  DomainFacts facts;
};

// All domains; one that cannot be read says so in Machine::unreadable.
Result<std::vector<DomainHere>> list_domains(virConnectPtr link);
// Machine::id. Errc::not_found.
Result<DomainHere> find_domain(virConnectPtr link, const std::string& id);
Result<Power> power_of(virDomainPtr domain);
// Sizes, storages and what keeps disks from being read.
Status look_at_disks(virConnectPtr link, DomainHere& domain);

Result<std::vector<Network>> list_networks(const Context& context, virConnectPtr link);

Result<Inventory> read_inventory(Context& context, const Scope& scope, const Call& call);

}  // namespace flyt::virt
