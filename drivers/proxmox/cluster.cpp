#include "drivers/proxmox/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/uri.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

std::set<std::string, std::less<>> word_set(const std::string& text, std::string_view separators) {
  const std::vector<std::string> words = words_of(text, separators);
  return {words.begin(), words.end()};
}

// The authority signs every node's certificate, and stays when those are renewed.
Result<std::string> authority_of(Api& api, const std::string& node, const Call& call) {
  constexpr std::string_view what = "asking for the cluster's certificate authority";
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows(node_path(node) + "/certificates/info", what, call));
  for (const Row& row : rows) {
    if (row.text("filename") == "pve-root-ca.pem" && row.has("fingerprint")) {
      return row.text("fingerprint");
    }
  }
  return Error{Errc::corrupt, std::string(what), "there is no pve-root-ca.pem",
               "this is no ordinary Proxmox VE"};
}

// "active", "notfound"; empty: not told.
std::string subscription_of(Api& api, const std::string& node, const Call& call) {
  constexpr std::string_view what = "asking for the subscription";
  const auto row = api.get_row(node_path(node) + "/subscription", what, call);
  return row ? row->text("status") : std::string();
}

// "0.0734"; nothing: no share of something.
std::optional<std::uint32_t> percent_of(const std::string& share) {
  double part = 0;
  const auto parsed = std::from_chars(share.data(), share.data() + share.size(), part);
  if (parsed.ec != std::errc() || !(part >= 0 && part <= 1)) return std::nullopt;
  return static_cast<std::uint32_t>(std::lround(part * 100));
}

void add_status(Api& api, Cluster& cluster, NodeFacts& node, const Call& call) {
  const std::string what = fmt::format("asking for the state of node {}", node.name);
  const auto row = api.get_row(node_path(node.name) + "/status", what, call);
  if (!row) {
    cluster.notes.push_back(fmt::format("{}: {}", what, row.error().seen));
    return;
  }
  if (const auto paid = subscription_of(api, node.name, call); !paid.empty()) {
    cluster.notes.push_back(fmt::format("{}: subscription {}", node.name, paid));
  }
  node.cpus = row->number("cpuinfo.cpus");
  node.cpu_model = row->text("cpuinfo.model");
  node.cpu_flags = word_set(row->text("cpuinfo.flags"), " ");
  node.memory_bytes = row->number("memory.total");
  node.memory_used = row->number("memory.used");
}

// Names, addresses, and the cluster's own name; not everybody may see those.
void add_addresses(Api& api, Cluster& cluster, const Call& call) {
  constexpr std::string_view what = "asking for the cluster";
  const auto rows = api.get_rows("/cluster/status", what, call);
  if (!rows) {
    cluster.notes.push_back(
        fmt::format("addresses of nodes are not known ({})", rows.error().seen));
    return;
  }
  for (const Row& row : *rows) {
    if (row.text("type") == "cluster") cluster.name = row.text("name");
    for (NodeFacts& node : cluster.nodes) {
      if (row.text("type") == "node" && node.name == row.text("name")) {
        node.address = row.text("ip");
      }
    }
  }
}

// Each of them answers for the cluster; its certificate was told over a connection that is trusted.
void learn_nodes(Api& api, const Cluster& cluster) {
  std::vector<Entry> entries;
  for (const NodeFacts& node : cluster.nodes) {
    if (!node.online || node.address.empty() || node.fingerprint.empty()) continue;
    const bool six = node.address.find(':') != std::string::npos;
    const std::string host = six ? "[" + node.address + "]" : node.address;
    entries.push_back({"https://" + host + ":8006", {.fingerprint = node.fingerprint}});
  }
  // Alone, a node is reached as the site says.
  if (cluster.nodes.size() > 1) api.learn(std::move(entries));
}

Result<std::vector<StorageFacts>> storages_on(Api& api, const std::string& node, const Call& call) {
  const std::string what = fmt::format("listing the storages of {}", node);
  FLYT_ASSIGN(const std::vector<Row> rows, api.get_rows(node_path(node) + "/storage", what, call));
  std::vector<StorageFacts> storages;
  for (const Row& row : rows) {
    if (row.has("enabled") && !row.flag("enabled")) continue;
    StorageFacts storage;
    storage.node = node;
    storage.id = row.text("storage");
    storage.type = row.text("type");
    storage.content = word_set(row.text("content"), ",");
    storage.shared = row.flag("shared");
    storage.active = row.flag("active");
    storage.size_bytes = row.number("total");
    storage.free_bytes = row.number("avail");
    storages.push_back(std::move(storage));
  }
  return storages;
}

Status add_bridges(Api& api, Cluster& cluster, const std::string& node, const Call& call) {
  const std::string what = fmt::format("listing the networks of {}", node);
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows(node_path(node) + "/network", what, call, {{"type", "any_bridge"}}));
  for (const Row& row : rows) {
    BridgeFacts bridge;
    bridge.node = node;
    bridge.name = row.text("iface");
    bridge.vlan_aware = row.flag("bridge_vlan_aware") || row.text("type") == "OVSBridge";
    bridge.active = !row.has("active") || row.flag("active");
    bridge.vnet = row.text("type") == "vnet";
    if (const auto mtu = row.number("mtu")) bridge.mtu = static_cast<std::uint32_t>(*mtu);
    cluster.bridges.push_back(std::move(bridge));
  }
  return ok();
}

// Virtual networks stand on all nodes of their zone. Without the package for them there are none.
void add_vnets(Api& api, Cluster& cluster, const Call& call) {
  constexpr std::string_view what = "listing the virtual networks";
  const auto rows = api.get_rows("/cluster/sdn/vnets", what, call);
  if (!rows) {
    cluster.notes.push_back(fmt::format("{}: {}", what, rows.error().seen));
    return;
  }
  for (const Row& row : *rows) {
    const std::string name = row.text("vnet");
    bool seen = false;
    for (BridgeFacts& bridge : cluster.bridges) {
      if (bridge.name != name) continue;
      seen = bridge.vnet = true;
      bridge.zone = row.text("zone");
      if (const auto tag = row.number("tag")) bridge.vlan = static_cast<std::uint32_t>(*tag);
    }
    if (!seen) {
      BridgeFacts bridge{.name = name, .vnet = true, .zone = row.text("zone")};
      if (const auto tag = row.number("tag")) bridge.vlan = static_cast<std::uint32_t>(*tag);
      cluster.bridges.push_back(std::move(bridge));
    }
  }
}

MachineHere here(const Row& row) {
  MachineHere machine;
  machine.vmid = row.text("vmid");
  machine.node = row.text("node");
  machine.name = row.text("name");
  machine.status = row.text("status");
  machine.lock = row.text("lock");
  machine.tags = row.text("tags");
  machine.pool = row.text("pool");
  machine.is_template = row.flag("template");
  machine.up_seconds = row.number("uptime");
  return machine;
}

}  // namespace

std::string node_path(const std::string& node) { return "/nodes/" + percent_encode(node); }

std::string qemu_path(const MachineHere& here) {
  return fmt::format("{}/qemu/{}", node_path(here.node), here.vmid);
}

bool is_before_9(const std::string& version) {
  return version.starts_with("8.") || version.starts_with("7.");
}

std::string content_path(const std::string& node, const std::string& storage) {
  return fmt::format("{}/storage/{}/content", node_path(node), percent_encode(storage));
}

bool StorageFacts::has_files() const {
  static constexpr std::array<std::string_view, 6> kinds{"dir",    "nfs",       "cifs",
                                                         "cephfs", "glusterfs", "btrfs"};
  return std::find(kinds.begin(), kinds.end(), type) != kinds.end();
}

Result<Cluster> read_nodes(Api& api, const Call& call) {
  Cluster cluster;
  FLYT_ASSIGN(const Row about, api.get_row("/version", "asking for the version", call));
  cluster.version = about.text("version");
  FLYT_ASSIGN(const std::vector<Row> rows, api.get_rows("/nodes", "listing the nodes", call));
  for (const Row& row : rows) {
    NodeFacts node;
    node.name = row.text("node");
    node.online = row.text("status") == "online";
    node.fingerprint = row.text("ssl_fingerprint");
    node.cpus = row.number("maxcpu");
    node.memory_bytes = row.number("maxmem");
    node.memory_used = row.number("mem");
    node.busy_percent = percent_of(row.text("cpu"));
    cluster.nodes.push_back(std::move(node));
  }
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const NodeFacts& a, const NodeFacts& b) { return a.name < b.name; });
  const auto online = std::find_if(cluster.nodes.begin(), cluster.nodes.end(),
                                   [](const NodeFacts& node) { return node.online; });
  if (online == cluster.nodes.end()) {
    return Error{Errc::denied,
                 "no node of the cluster is to be seen",
                 "",
                 "the token or user has no privilege at all: a token with privilege separation "
                 "needs grants of its own",
                 "",
                 {"pveum acl modify / --tokens USER@REALM!NAME --roles PVEAuditor"}};
  }
  FLYT_ASSIGN(cluster.platform_id, authority_of(api, online->name, call));
  add_addresses(api, cluster, call);
  learn_nodes(api, cluster);
  return cluster;
}

Result<Cluster> read_cluster(Api& api, const std::string& only, const Call& call) {
  FLYT_ASSIGN(Cluster cluster, read_nodes(api, call));
  for (NodeFacts& node : cluster.nodes) {
    if (!node.online) {
      cluster.notes.push_back(fmt::format("node {} is offline", node.name));
      continue;
    }
    add_status(api, cluster, node, call);
    if (!only.empty() && node.name != only) continue;
    FLYT_ASSIGN(const auto storages, storages_on(api, node.name, call));
    cluster.storages.insert(cluster.storages.end(), storages.begin(), storages.end());
    FLYT_TRY(add_bridges(api, cluster, node.name, call));
  }
  add_vnets(api, cluster, call);
  FLYT_TRY(proceed(call, "reading the cluster"));
  return cluster;
}

Result<std::vector<StorageFacts>> read_storages(Api& api, const std::string& node,
                                                const Call& call) {
  return storages_on(api, node, call);
}

Result<std::vector<MachineHere>> list_machines(Api& api, const Call& call) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows("/cluster/resources", "listing the machines", call, {{"type", "vm"}}));
  std::vector<MachineHere> machines;
  for (const Row& row : rows) {
    if (row.text("type") == "qemu") machines.push_back(here(row));
  }
  std::sort(machines.begin(), machines.end(), [](const MachineHere& a, const MachineHere& b) {
    return a.vmid.size() != b.vmid.size() ? a.vmid.size() < b.vmid.size() : a.vmid < b.vmid;
  });
  return machines;
}

Result<MachineHere> find_machine(Api& api, const std::string& vmid, const Call& call) {
  FLYT_ASSIGN(const std::vector<MachineHere> machines, list_machines(api, call));
  const auto found = std::find_if(machines.begin(), machines.end(),
                                  [&](const MachineHere& one) { return one.vmid == vmid; });
  if (found != machines.end()) return *found;
  return Error{Errc::not_found,   fmt::format("there is no machine {}", vmid), "", "", "",
               {"flyt inventory"}};
}

Status add_states(Api& api, std::vector<MachineHere>& machines, const Call& call) {
  std::map<std::string, std::map<std::string, Row>> by_node;
  for (const MachineHere& machine : machines) by_node[machine.node];
  for (auto& [node, rows] : by_node) {
    const std::string what = fmt::format("listing the machines of {}", node);
    auto listed = api.get_rows(node_path(node) + "/qemu", what, call);
    if (!listed) {
      if (listed.error().code != Errc::unavailable && listed.error().code != Errc::denied) {
        return listed.error();
      }
      continue;
    }
    for (Row& row : *listed) rows[row.text("vmid")] = std::move(row);
  }
  for (MachineHere& machine : machines) {
    const auto& rows = by_node[machine.node];
    const auto found = rows.find(machine.vmid);
    if (found == rows.end()) {
      machine.status = "unknown";
      continue;
    }
    machine.status = found->second.text("status");
    machine.lock = found->second.text("lock");
    machine.up_seconds = found->second.number("uptime");
    if (found->second.has("name")) machine.name = found->second.text("name");
  }
  return ok();
}

Result<std::string> address_of(Api& api, const std::string& node, const Call& call) {
  const std::string what = fmt::format("asking for the address of {}", node);
  FLYT_ASSIGN(const std::vector<Row> rows, api.get_rows("/cluster/status", what, call));
  for (const Row& row : rows) {
    if (row.text("type") != "node" || row.text("name") != node) continue;
    if (const std::string address = row.text("ip"); !address.empty()) {
      return address.find(':') == std::string::npos ? address : "[" + address + "]";
    }
  }
  return Error{Errc::not_found,
               fmt::format("the address of node {} is not known", node),
               "",
               "",
               "",
               {"ssh = \"root@{node}\" in the endpoint's table, where its name can be looked up"}};
}

std::string cpu_baseline(const std::vector<NodeFacts>& nodes) {
  // What x86-64-v3 has beyond v2, as the kernel calls it.
  static constexpr std::array<std::string_view, 8> wanted{"avx",  "avx2", "bmi1", "bmi2",
                                                          "f16c", "fma",  "abm",  "movbe"};
  bool known = false, all = true;
  for (const NodeFacts& node : nodes) {
    if (node.cpu_flags.empty()) continue;
    known = true;
    all = all && std::all_of(wanted.begin(), wanted.end(), [&](std::string_view flag) {
            return node.cpu_flags.find(flag) != node.cpu_flags.end();
          });
  }
  return known && all ? "x86-64-v3" : "x86-64-v2-AES";
}

}  // namespace flyt::proxmox
