// The ground that a Proxmox VE cluster offers: nodes, storages, networks, and who is where.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/inventory.hpp"
#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/api.hpp"

namespace flyt::proxmox {

struct NodeFacts {
  std::string name;
  std::string address;      // of the cluster's own network; empty: not told
  std::string fingerprint;  // SHA-256 of its certificate, with colons
  bool online = false;
  std::optional<std::uint64_t> cpus, memory_bytes, memory_used;
  std::optional<std::uint32_t> busy_percent;  // of its processors
  std::string cpu_model;
  std::set<std::string, std::less<>> cpu_flags;
};

// A storage as one node sees it.
struct StorageFacts {
  std::string node, id, type;
  std::set<std::string, std::less<>> content;  // "images", "import", "iso"
  bool shared = false, active = false;
  std::optional<std::uint64_t> size_bytes, free_bytes;
  // Images lie in it as files, and may have a format.
  bool has_files() const;
  bool holds(std::string_view kind) const { return content.find(kind) != content.end(); }
};

struct BridgeFacts {
  std::string node, name;
  bool vlan_aware = false, active = true;
  bool vnet = false;
  std::optional<std::uint32_t> vlan;  // of a vnet
  std::string zone = "localnetwork";  // whose privilege it takes
  std::optional<std::uint32_t> mtu;
};

// Where a machine is, as all machines are listed in one answer.
struct MachineHere {
  std::string vmid, node, name, status, lock, tags, pool;
  bool is_template = false;
  std::optional<std::uint64_t> up_seconds;
};

// Where the API has them: "/nodes/pve1", "/nodes/pve1/qemu/100",
// "/nodes/pve1/storage/local/content".
std::string node_path(const std::string& node);
std::string qemu_path(const MachineHere& here);
std::string content_path(const std::string& node, const std::string& storage);

// Privileges and high availability have other names from 9 on.
bool is_before_9(const std::string& version);

struct Cluster {
  std::string version;           // "8.4.1"
  std::string name;              // empty: a single node, or nobody may see it
  std::string platform_id;       // SHA-256 of the cluster's own certificate authority
  std::vector<NodeFacts> nodes;  // by name
  std::vector<StorageFacts> storages;
  std::vector<BridgeFacts> bridges;
  std::vector<std::string> notes;  // what could not be seen, and why
};

// The version and the nodes, nothing of what stands on them; teaches `api` the other nodes.
Result<Cluster> read_nodes(Api& api, const Call& call);
// That, and storages and networks of the nodes that are online, or of `only`.
Result<Cluster> read_cluster(Api& api, const std::string& only, const Call& call);

// As one node sees them now.
Result<std::vector<StorageFacts>> read_storages(Api& api, const std::string& node,
                                                const Call& call);

// Those that the login may see, containers left out. Number, node, tags and pool are as they are
// now; names and states are what nodes last told the cluster, up to ten seconds ago.
Result<std::vector<MachineHere>> list_machines(Api& api, const Call& call);
// Names and states as the nodes tell them now. A node that does not answer: its machines' states
// are "unknown".
Status add_states(Api& api, std::vector<MachineHere>& machines, const Call& call);
// Errc::not_found.
Result<MachineHere> find_machine(Api& api, const std::string& vmid, const Call& call);

// Of a node, for ssh. Errc::not_found: the cluster does not tell it to this login.
Result<std::string> address_of(Api& api, const std::string& node, const Call& call);

// "x86-64-v3" where all nodes' processors are known to be that; else "x86-64-v2-AES", which Proxmox
// VE gives to a new machine. Never v4: the next node that is bought may lack it.
std::string cpu_baseline(const std::vector<NodeFacts>& nodes);

}  // namespace flyt::proxmox
