// What stands around the machines: hosts, datastores, networks and folders, by their references.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/inventory.hpp"
#include "drivers/vsphere/devices.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {

struct Surroundings {
  struct Place {
    std::string name;
    Ref parent;
  };
  struct Datastore {
    Storage storage;
    bool accessible = true;
  };
  std::map<Ref, Place> places;  // all that has a name and stands somewhere
  std::map<Ref, Host> hosts;
  std::map<Ref, bool> connected;  // hosts
  std::map<Ref, Datastore> datastores;
  std::map<Ref, Network> networks;
  std::map<std::string, Ref> port_groups;         // distributed ones by key, opaque ones by id
  std::map<std::string, std::string> attributes;  // custom fields: name by key
  std::map<Ref, Ref> vapps;                       // the folder that a vApp is shown in
  std::vector<AffinityRule> rules;
  std::vector<std::string> notes;  // for people

  // "Roskilde/Drift/web": datacentre and folders of a machine, as its users see them.
  std::string folder_of(const Ref& machine_parent) const;
  // The same of a machine in a vApp, which has no parent: the vApp is a folder then.
  std::string folder_in(const Ref& vapp) const;
  // The network that a card hangs on; nullptr: it is not known.
  const Network* network_of(const DeviceNic& card) const;
  // Where a resource pool stands below the one that every cluster or host has; empty: that one.
  std::string pool_of(const Ref& pool) const;
  // The datacentre that something stands in, and its name; empty: none.
  Ref datacentre(const Ref& place) const;
  std::string datacentre_of(const Ref& place) const;
  // The cluster that a host stands in; empty: it stands alone.
  std::string cluster_of(const Ref& host) const;
};

Result<Surroundings> read_surroundings(Session& session, const Call& call);
// The datastores in `around` once more, as they are now.
Status read_datastores(Session& session, Surroundings& around, const Call& call);

// vSphere writes '/', '\' and '%' in names as %2f, %5c and %25.
std::string plain_name(std::string_view written);

}  // namespace flyt::vsphere
