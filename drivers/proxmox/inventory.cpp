#include "drivers/proxmox/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/bare_volume.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/bare.hpp"
#include "drivers/proxmox/check.hpp"
#include "drivers/proxmox/enrol.hpp"
#include "drivers/proxmox/ha_rules.hpp"
#include "drivers/proxmox/land.hpp"
#include "drivers/proxmox/tasks.hpp"

namespace flyt::proxmox {
namespace {

Machine unreadable(const MachineHere& here, const Error& error) {
  Machine machine;
  machine.id = here.vmid;
  machine.uuid = "vmid " + here.vmid;
  machine.name = here.name.empty() ? "VM " + here.vmid : here.name;
  machine.host = here.node;
  machine.migration_id = migration_of(here.tags);
  machine.unreadable = error.seen.empty() ? error.what : error.seen;
  return machine;
}

// Sizes as storages tell them; a configuration has what was true when the disk was attached.
class Volumes {
 public:
  // `filter`: of the volumes that are asked for.
  Volumes(Api& api, Params filter, const Call& call)
      : api_(api), filter_(std::move(filter)), call_(call) {}

  void look_up(const std::string& node, Disk& disk) {
    if (disk.storage.empty()) return;
    const auto key = std::pair(node, disk.storage);
    auto found = known_.find(key);
    if (found == known_.end()) {
      found = known_.emplace(key, list_volumes(api_, node, disk.storage, filter_, call_)).first;
    }
    if (!found->second) {
      if (disk.size_bytes == 0 && disk.left_out.empty()) {
        disk.left_out = fmt::format("its size cannot be read: {}", found->second.error().seen);
      }
      return;
    }
    for (const VolumeFacts& volume : *found->second) {
      if (volume.id != disk.uuid) continue;
      disk.size_bytes = volume.size_bytes.value_or(disk.size_bytes);
      disk.used_bytes = volume.used_bytes;
      if (!volume.format.empty()) disk.format = volume.format;
      return;
    }
    if (disk.left_out.empty()) {
      disk.left_out = fmt::format("its volume {} is not to be found", disk.uuid);
    }
  }

 private:
  Api& api_;
  const Params filter_;
  const Call& call_;
  std::map<std::pair<std::string, std::string>, Result<std::vector<VolumeFacts>>> known_;
};

// The configuration, and what is known of its disks beside it.
Result<ConfigFacts> read_with_disks(Context& context, const MachineHere& here, Volumes& volumes,
                                    const Call& call) {
  FLYT_ASSIGN(ConfigFacts facts, read_config_of(context.api, here, call));
  for (Disk& disk : facts.machine.disks) {
    volumes.look_up(here.node, disk);
    if (disk.left_out.empty() && context.settings.way == Way::none) {
      disk.left_out = "the endpoint says no way to the disks: landing = \"ssh\"";
    }
    if (disk.left_out.empty() && context.settings.way == Way::api &&
        facts.machine.migration_id.empty()) {
      disk.left_out = "the API alone lets nobody read a disk: landing = \"ssh\"";
    }
  }
  return facts;
}

void add_hosts(const Cluster& cluster, const Settings& settings, Inventory& found) {
  for (const NodeFacts& node : cluster.nodes) {
    if (!node.online) continue;
    Host host;
    host.id = host.name = node.name;
    if (const auto site = settings.sites.find(node.name); site != settings.sites.end()) {
      host.place.site = site->second;
    }
    host.cpu_model = node.cpu_model;
    host.busy_percent = node.busy_percent;
    if (node.cpus) host.cpus = static_cast<std::uint32_t>(*node.cpus);
    host.memory_bytes = node.memory_bytes;
    if (node.memory_bytes && node.memory_used && *node.memory_used <= *node.memory_bytes) {
      host.memory_free_bytes = *node.memory_bytes - *node.memory_used;
    }
    found.hosts.push_back(std::move(host));
  }
}

// A storage of one name is on each node that has it: what a machine finds is the room of one.
void add_storages(const Cluster& cluster, const Settings& settings, Inventory& found) {
  for (const StorageFacts& one : cluster.storages) {
    auto keeps = kept_kinds(one, settings.way);
    if ((!one.holds("images") && keeps.empty()) || !one.active) continue;
    if (!settings.node.empty() && one.node != settings.node) continue;
    const auto known = std::find_if(found.storages.begin(), found.storages.end(),
                                    [&](const Storage& storage) { return storage.id == one.id; });
    if (known == found.storages.end()) {
      found.storages.push_back({one.id, one.id, one.type, one.size_bytes, one.free_bytes});
      found.storages.back().shared = one.shared;
      found.storages.back().keeps = std::move(keeps);
    } else if (one.free_bytes.value_or(0) > known->free_bytes.value_or(0)) {
      known->size_bytes = one.size_bytes;
      known->free_bytes = one.free_bytes;
    }
  }
}

// Of the node whose room is told.
void add_promised(const Cluster& cluster, const BareVolumes& bare, Inventory& found) {
  for (Storage& storage : found.storages) {
    for (const StorageFacts& one : cluster.storages) {
      if (one.id != storage.id || one.free_bytes != storage.free_bytes) continue;
      const auto promised = bare.promised.find({one.node, one.id});
      if (promised != bare.promised.end()) storage.promised_bytes = promised->second;
    }
  }
}

void add_networks(const Cluster& cluster, const std::string& only, Inventory& found) {
  std::set<std::string> seen;
  for (const BridgeFacts& one : cluster.bridges) {
    if (!only.empty() && !one.node.empty() && one.node != only) continue;
    if (!seen.insert(one.name).second) continue;
    Network network;
    network.id = network.name = one.name;
    network.kind = one.vnet ? "vnet" : one.vlan_aware ? "vlan-aware bridge" : "bridge";
    network.vlan = one.vlan;
    network.active = one.active;
    found.networks.push_back(std::move(network));
  }
}

std::string title(const Cluster& cluster, const std::string& url) {
  std::string at = fmt::format("Proxmox VE {} at {}", cluster.version, url);
  if (cluster.nodes.size() < 2) return at;
  return fmt::format("{}, cluster {} of {} nodes", at, cluster.name, cluster.nodes.size());
}

Status add_machines(Context& context, const Cluster& cluster, const Scope& scope, Inventory& found,
                    const Call& call) {
  if (bare_volume_of(scope.machine)) {
    FLYT_ASSIGN(Machine volume, find_bare(context, scope.machine, call));
    found.machines.push_back(std::move(volume));
    return ok();
  }
  FLYT_ASSIGN(std::vector<MachineHere> machines, list_machines(context.api, call));
  if (!scope.machine.empty() || !scope.migration_id.empty()) {
    const auto other = [&](const MachineHere& machine) {
      return scope.machine.empty() ? migration_of(machine.tags) != scope.migration_id
                                   : machine.vmid != scope.machine;
    };
    machines.erase(std::remove_if(machines.begin(), machines.end(), other), machines.end());
    if (machines.empty() && !scope.machine.empty()) {
      return find_machine(context.api, scope.machine, call).error();
    }
  }
  FLYT_TRY(add_states(context.api, machines, call));
  const Params filter = machines.size() == 1 ? Params{{"vmid", machines.front().vmid}}
                                             : Params{{"content", "images"}};
  Volumes volumes(context.api, filter, call);
  std::set<std::string> unused;
  for (const MachineHere& here : machines) {
    FLYT_TRY(proceed(call, "reading the machines"));
    auto facts = read_with_disks(context, here, volumes, call);
    if (!facts) {
      if (facts.error().code == Errc::not_found) {
        if (scope.machine.empty()) continue;  // removed since it was listed
        return facts.error();
      }
      if (facts.error().code == Errc::cancelled || facts.error().code == Errc::timed_out) {
        return facts.error();
      }
      found.machines.push_back(unreadable(here, facts.error()));
      continue;
    }
    add_unused(facts->row, unused);
    found.machines.push_back(std::move(facts->machine));
  }
  if (!scope.migration_id.empty()) {
    FLYT_ASSIGN(auto bare, made_bare(context, scope.migration_id, call));
    if (bare) found.machines.push_back(*std::move(bare));
  } else if (scope.machine.empty()) {
    FLYT_ASSIGN(BareVolumes bare, list_bare(context, cluster, machines, unused, call));
    found.volumes = std::move(bare.volumes);
    add_promised(cluster, bare, found);
    found.rules = read_affinity(context.api, cluster, call);
  }
  return ok();
}

}  // namespace

Power power_of(const std::string& status, const std::string& lock) {
  // Switched off with its memory on disk: its disks are not at rest.
  if (lock == "suspended" || lock == "suspending") return Power::suspended;
  if (status == "running" || status == "prelaunch") return Power::on;
  if (status == "paused" || status == "suspended") return Power::suspended;
  return status == "stopped" ? Power::off : Power::unknown;
}

Result<ConfigFacts> read_config_of(Api& api, const MachineHere& here, const Call& call) {
  const std::string what = fmt::format("reading the configuration of {}", here.vmid);
  FLYT_ASSIGN(const Row row, api.get_row(qemu_path(here) + "/config", what, call));
  ConfigFacts facts = read_config(row, here.vmid);
  facts.machine.host = here.node;
  facts.machine.power = power_of(here.status, facts.lock);
  facts.machine.folder = here.pool;
  facts.machine.hosting.resource_pool = here.pool;
  if (facts.machine.power == Power::on) facts.machine.hosting.up_seconds = here.up_seconds;
  return facts;
}

Result<Power> power_now(Api& api, const MachineHere& here, const Call& call) {
  const std::string what = fmt::format("asking for the state of {}", here.vmid);
  FLYT_ASSIGN(const Row row, api.get_row(qemu_path(here) + "/status/current", what, call));
  const std::string status =
      row.text("status") == "running" ? row.text("qmpstatus") : row.text("status");
  return power_of(status, row.text("lock"));
}

Result<std::vector<VolumeFacts>> list_volumes(Api& api, const std::string& node,
                                              const std::string& storage, const Params& filter,
                                              const Call& call) {
  const std::string what = fmt::format("listing the volumes of {}", storage);
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows(content_path(node, storage), what, call, filter));
  std::vector<VolumeFacts> volumes;
  volumes.reserve(rows.size());
  for (const Row& row : rows) {
    volumes.push_back({row.text("volid"), row.text("format"), row.text("content"), row.text("vmid"),
                       row.number("size"), row.number("used")});
  }
  return volumes;
}

Status remove_volume(Api& api, const std::string& node, const std::string& storage,
                     const std::string& volume, const std::string& what, const Call& call) {
  FLYT_TRY(proceed(call, what));
  Status gone = do_task(api, Method::remove,
                        fmt::format("{}/{}", content_path(node, storage), percent_encode(volume)),
                        {}, what, call);
  return !gone && gone.error().code == Errc::not_found ? ok() : std::move(gone);
}

Result<MachineFacts> read_machine(Context& context, const MachineHere& here, const Call& call) {
  Volumes volumes(context.api, {{"vmid", here.vmid}}, call);
  FLYT_ASSIGN(ConfigFacts config, read_with_disks(context, here, volumes, call));
  FLYT_ASSIGN(config.machine.power, power_now(context.api, here, call));
  return MachineFacts{here, std::move(config)};
}

Result<std::optional<MachineFacts>> find_made(Context& context, const std::string& migration_id,
                                              const Call& call) {
  FLYT_ASSIGN(const std::vector<MachineHere> machines, list_machines(context.api, call));
  for (const MachineHere& here : machines) {
    if (migration_id.empty() || migration_of(here.tags) != migration_id) continue;
    FLYT_ASSIGN(MachineFacts facts, read_machine(context, here, call));
    return std::optional<MachineFacts>(std::move(facts));
  }
  return std::optional<MachineFacts>();
}

Result<Inventory> read_inventory(Context& context, const Scope& scope, const Call& call) {
  FLYT_ASSIGN(Cluster cluster, read_cluster(context.api, context.settings.node, call));
  Inventory found;
  found.endpoint = context.config.name;
  found.driver = "proxmox";
  found.platform = title(cluster, context.api.first_url());
  found.platform_id = cluster.platform_id;
  found.notes = cluster.notes;
  found.dns_names = true;
  found.secure_boot = found.new_tpm = true;
  add_hosts(cluster, context.settings, found);
  add_storages(cluster, context.settings, found);
  add_networks(cluster, context.settings.node, found);
  add_landing(context, cluster, found, call);
  FLYT_TRY(add_machines(context, cluster, scope, found, call));
  if (!scope.enrolments.empty()) {
    FLYT_ASSIGN(found.choices, read_choices(context, cluster, scope.enrolments, call));
  }
  if (scope.findings) {
    FLYT_ASSIGN(found.findings, find_hindrances(context, cluster, scope, found.notes, call));
  }
  return found;
}

}  // namespace flyt::proxmox
