// Volumes without a machine: what lies on storages beside machines' disks, and what flyt puts
// there.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/driver.hpp"
#include "drivers/proxmox/cluster.hpp"
#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

// Volume::id: "local:iso/debian.iso" on a shared storage, else with the node in front of it:
// "pve1/local:iso/debian.iso".
struct BarePlace {
  std::string node;  // empty: any that has the storage
  std::string volume;
  static BarePlace parse(const std::string& id);
  std::string storage() const { return volume.substr(0, volume.find(':')); }
};

// Volumes that a configuration names and has in no slot: "unused0".
void add_unused(const Row& config, std::set<std::string>& unused);

// The kinds of volumes without a machine that flyt makes on a storage, Storage::keeps.
std::vector<std::string> kept_kinds(const StorageFacts& storage, Way way);

struct BareVolumes {
  std::vector<Volume> volumes;
  // Of each storage's disks, of machines and of none, what they may grow to; by node and storage.
  std::map<std::pair<std::string, std::string>, std::uint64_t> promised;
};

// All that the login may see. `unused`: volume ids that machines name, but have in no slot. A disk
// whose machine is gone is without one: a machine that the login may not see is not gone.
Result<BareVolumes> list_bare(Context& context, const Cluster& cluster,
                              const std::vector<MachineHere>& machines,
                              const std::set<std::string>& unused, const Call& call);

// As the driver's methods of these names, for ids of bare_id().
Result<Machine> create_bare(Context& context, const MachineSpec& spec, const Call& call);
Result<Machine> publish_bare(Context& context, const MachineSpec& spec, const Call& call);
Status destroy_bare(Context& context, const std::string& id, const Owner& owner, const Call& call);
Result<std::unique_ptr<Channel>> open_bare(Context& context, const OpenSpec& spec,
                                           const Call& call);

// The stand-in of one volume. Errc::not_found.
Result<Machine> find_bare(Context& context, const std::string& id, const Call& call);
// The stand-in of what the migration made; nothing: it made none, or it is gone.
Result<std::optional<Machine>> made_bare(Context& context, const std::string& migration_id,
                                         const Call& call);

}  // namespace flyt::proxmox
