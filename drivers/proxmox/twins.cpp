#include "drivers/proxmox/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/lower_case.hpp"
#include "drivers/proxmox/inventory.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

std::set<std::string> macs_of(const MachineSpec& spec) {
  std::set<std::string> macs;
  for (const NicSpec& nic : spec.nics) {
    if (!nic.mac.empty()) macs.insert(lower_case(nic.mac));
  }
  return macs;
}

bool is_away(const Cluster& cluster, const std::string& node) {
  return std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                     [&](const NodeFacts& one) { return one.name == node && !one.online; });
}

Error taken(const MachineHere& other, const Nic& nic, const std::string& written) {
  PropertyString unplugged(written, "model");
  unplugged.set("link_down", "1");
  return {Errc::exists,
          fmt::format("the MAC address {} is that of {} (machine {} on {}), whose {} is plugged in",
                      nic.mac, other.name, other.vmid, other.node, nic.id),
          "",
          "both on one network would lose each other's packets",
          "",
          {fmt::format("qm set {} --{} '{}'", other.vmid, nic.id, unplugged.text()),
           "or give one of the two another MAC address, and plan again"}};
}

}  // namespace

Status check_macs(Context& context, const Cluster& cluster,
                  const std::vector<MachineHere>& machines, const MachineSpec& spec,
                  const std::string& own, const Call& call) {
  const std::set<std::string> wanted = macs_of(spec);
  if (wanted.empty()) return ok();
  for (const MachineHere& other : machines) {
    if (other.vmid == own || other.is_template || is_away(cluster, other.node)) continue;
    const auto config = read_config_of(context.api, other, call);
    if (!config && config.error().code == Errc::not_found) continue;  // gone meanwhile
    if (!config) return config.error();
    for (const Nic& nic : config->machine.nics) {
      const bool plugged = nic.connected != false && !nic.network.empty();
      if (plugged && wanted.contains(nic.mac)) return taken(other, nic, config->row.text(nic.id));
    }
  }
  return ok();
}

}  // namespace flyt::proxmox
