// Hosts, datastores and networks of an export.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/inventory.hpp"
#include "drivers/rvtools/tabs.hpp"

namespace flyt::rvtools {

// Ids are vCenter's own where the export has them ("Object ID"), else names.
class Ground {
 public:
  // Of the vCenter with that "VI SDK UUID" alone; empty: of all.
  static Result<Ground> read(const Export& from, const std::string& vcenter, const Call& call);

  std::string host_id(const std::string& name) const;
  std::string storage_id(const std::string& name) const;
  // One that only a network card knows.
  void add_network(const std::string& name);
  void move_into(Inventory& inventory) &&;

 private:
  void take_host(const Row& row);
  void take_storage(const Row& row);
  void take_group(const Row& row);
  void take_distributed(const Row& row);
  void set_vlan(const std::string& name, const std::string& id, const std::string& vlan);

  std::vector<Host> hosts_;
  std::vector<Storage> storages_;
  std::vector<Network> networks_;
  std::vector<std::string> notes_;
  std::map<std::string, std::string> host_ids_, storage_ids_;
  std::map<std::string, std::size_t> by_network_;
  std::map<std::string, std::string> vlans_;  // by network, as it was told first
};

}  // namespace flyt::rvtools
