#include "drivers/libvirt/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include "base/bare_volume.hpp"
#include "drivers/libvirt/bare.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/firmware_offer.hpp"
#include "drivers/libvirt/ground_xml.hpp"
#include "drivers/libvirt/host_identity.hpp"
#include "drivers/libvirt/volumes.hpp"

namespace flyt::virt {
namespace {

std::string version_text(unsigned long number) {
  return fmt::format("{}.{}.{}", number / 1000000, number / 1000 % 1000, number % 1000);
}

std::string platform_text(virConnectPtr link, const std::string& host) {
  unsigned long libvirt = 0, hypervisor = 0;
  std::string text = "libvirt";
  if (virConnectGetLibVersion(link, &libvirt) == 0) text += " " + version_text(libvirt);
  if (virConnectGetVersion(link, &hypervisor) == 0) text += ", QEMU " + version_text(hypervisor);
  return fmt::format("{} at {}", text, host);
}

Result<Host> read_host(virConnectPtr link, const std::string& id) {
  virNodeInfo info{};
  if (virNodeGetInfo(link, &info) < 0) return last_error("asking for the host's size");
  Host host;
  host.id = id;
  host.name = take(virConnectGetHostname(link));
  host.cpus = info.cpus;
  host.memory_bytes = std::uint64_t{info.memory} * 1024;
  int count = 0;
  if (virNodeGetMemoryStats(link, VIR_NODE_MEMORY_STATS_ALL_CELLS, nullptr, &count, 0) < 0) {
    return host;
  }
  std::vector<virNodeMemoryStats> stats(static_cast<std::size_t>(count));
  if (virNodeGetMemoryStats(link, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.data(), &count, 0) < 0) {
    return host;
  }
  // What is cached can be had for the asking. The size is taken from here too: where the host is
  // itself a container, the two sources differ.
  std::uint64_t free = 0;
  for (const virNodeMemoryStats& one : stats) {
    const std::string_view field = one.field;
    if (field == "free" || field == "buffers" || field == "cached") free += one.value * 1024;
    if (field == "total" && one.value > 0) host.memory_bytes = one.value * 1024;
  }
  free = std::min(free, *host.memory_bytes);
  host.memory_free_bytes = free;
  return host;
}

std::string kind_of(const NetworkFacts& network) {
  return network.forward.empty() ? std::string("isolated") : network.forward;
}

// Bridges that the host has beside libvirt's own networks.
std::vector<Network> list_bridges(virConnectPtr link) {
  virInterfacePtr* list = nullptr;
  const int count = virConnectListAllInterfaces(link, &list, VIR_CONNECT_LIST_INTERFACES_ACTIVE);
  if (count < 0) return {};  // a daemon without that part
  std::vector<Network> bridges;
  for (const Interface& one : take_list<Interface>(list, count)) {
    const std::string xml = take(virInterfaceGetXMLDesc(one.get(), 0));
    const std::string name = virInterfaceGetName(one.get());
    if (xml.find("type='bridge'") == std::string::npos) continue;
    bridges.push_back({"bridge:" + name, name, "bridge", std::nullopt, true});
  }
  return bridges;
}

Result<std::vector<Network>> list_own_networks(virConnectPtr link, std::set<std::string>& bridges) {
  virNetworkPtr* list = nullptr;
  const int count = virConnectListAllNetworks(link, &list, 0);
  std::vector<Network> networks;
  if (count < 0) {
    if (last_is_unsupported()) return networks;
    return last_error("listing networks");
  }
  for (const Net& one : take_list<Net>(list, count)) {
    const std::string xml = take(virNetworkGetXMLDesc(one.get(), 0));
    if (xml.empty() && last_is_missing()) continue;  // removed since it was listed
    if (xml.empty()) return last_error("describing a network");
    FLYT_ASSIGN(const NetworkFacts facts, parse_network(xml));
    bridges.insert(facts.bridge);
    networks.push_back(
        {facts.uuid, facts.name, kind_of(facts), std::nullopt, virNetworkIsActive(one.get()) == 1});
  }
  return networks;
}

void add_volumes(const PoolHere& pool, const std::set<std::string>& used, Inventory& inventory,
                 std::set<std::string>& backings) {
  virStorageVolPtr* list = nullptr;
  const int count = virStoragePoolListAllVolumes(pool.handle.get(), &list, 0);
  if (count < 0) return;  // the pool went away meanwhile
  for (const Vol& one : take_list<Vol>(list, count)) {
    const std::string xml = take(virStorageVolGetXMLDesc(one.get(), 0));
    const auto facts = xml.empty() ? Error{} : parse_volume(xml);
    if (!facts || facts->type == "dir" || facts->type == "netdir") continue;
    if (!facts->backing.empty()) backings.insert(facts->backing);
    const auto name = volume_name_from(facts->name);
    if (used.contains(facts->path) || (name && name->rest.starts_with("console"))) continue;
    Volume volume{facts->path,   facts->name,     pool.facts.uuid,           "disk",
                  facts->format, facts->capacity, kept_mark_of(facts->name), ""};
    if (facts->format == "iso" || facts->name.ends_with(".iso")) volume.kind = "iso";
    if (volume.kind == "iso") volume.format = "raw";  // it has no other, whatever libvirt calls it
    if (name) volume.migration_id = name->migration_id;
    // As for a machine's disks: an image may name any file of the host as what it stands on.
    if (!facts->backing.empty()) volume.left_out = "it stands on " + facts->backing;
    inventory.volumes.push_back(std::move(volume));
  }
}

// Pools, and what in them belongs to no machine. An image that others stand on is a template.
Status read_storages(const Context& context, virConnectPtr link, const std::set<std::string>& used,
                     bool with_volumes, Inventory& inventory, const Call& call) {
  FLYT_ASSIGN(const std::vector<PoolHere> pools, list_pools(context, link, call));
  std::set<std::string> backings;
  for (const PoolHere& pool : pools) {
    const PoolFacts& facts = pool.facts;
    inventory.storages.push_back(
        {facts.uuid, facts.name, facts.type, facts.capacity, facts.available});
    if (facts.holds_files())
      inventory.storages.back().keeps = {"disk", "iso", "template", "backup"};
    if (with_volumes) add_volumes(pool, used, inventory, backings);
  }
  FLYT_ASSIGN(const std::vector<KeptFile> kept, context.kept.all());
  for (Volume& volume : inventory.volumes) {
    // It is read as the disk that it is; its format stays behind, and with it who stands on it.
    if (backings.contains(volume.id)) volume.kind = "base";
    for (const KeptFile& file : kept) {
      const bool its = file.path == volume.id && file.bytes == volume.size_bytes;
      if (!its || file.stamp.empty()) continue;
      volume.kind = file.volume.kind;
      volume.migration_id = file.owner.id;
    }
  }
  return ok();
}

// libvirt keeps no order; plans want the same one every time.
template <typename Thing>
void sort_by_name(std::vector<Thing>& things) {
  std::sort(things.begin(), things.end(), [](const Thing& a, const Thing& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
}

// What changes with every write to a disk, for those that are files.
Status add_stamps(const Context& context, std::vector<DomainHere>& domains, const Call& call) {
  std::vector<std::string> paths;
  std::vector<Disk*> disks;
  for (DomainHere& domain : domains) {
    for (std::size_t i = 0; i < domain.facts.disks.size(); ++i) {
      if (domain.facts.disks[i].path.empty()) continue;
      paths.push_back(domain.facts.disks[i].path);
      disks.push_back(&domain.facts.machine.disks[i]);
    }
  }
  const auto stamps = landing_stamps(context.landing, paths, call);
  if (!stamps && context.landing.ssh && is_transient(stamps.error().code)) return stamps.error();
  if (!stamps) return proceed(call, "reading machines");  // what libvirt says of volumes stays
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const std::string& seen = stamps->at(i);
    if (!seen.empty()) disks[i]->stamp = fmt::format("{} {}, {}", disks[i]->format, paths[i], seen);
  }
  return ok();
}

Status read_machines(Context& context, virConnectPtr link, const Scope& scope, Inventory& inventory,
                     std::set<std::string>& used, const Call& call) {
  std::vector<DomainHere> domains;
  if (scope.machine.empty()) {
    FLYT_ASSIGN(domains, list_domains(link));
  } else if (bare_volume_of(scope.machine)) {
    FLYT_ASSIGN(Machine volume, find_bare(context, scope.machine, call));
    inventory.machines.push_back(std::move(volume));
  } else {
    FLYT_ASSIGN(DomainHere one, find_domain(link, scope.machine));
    domains.push_back(std::move(one));
  }
  for (DomainHere& domain : domains) {
    FLYT_TRY(proceed(call, "reading machines"));
    FLYT_TRY(look_at_disks(link, domain));
  }
  FLYT_TRY(add_stamps(context, domains, call));
  for (DomainHere& domain : domains) {
    for (const DomainDisk& disk : domain.facts.disks) used.insert(disk.path);
    Machine& machine = domain.facts.machine;
    if (!scope.migration_id.empty() && machine.migration_id != scope.migration_id) continue;
    if (!inventory.hosts.empty()) machine.host = inventory.hosts.front().id;
    inventory.machines.push_back(std::move(machine));
  }
  return ok();
}

}  // namespace

Result<std::vector<Network>> list_networks(const Context& context, virConnectPtr link) {
  std::set<std::string> taken;
  FLYT_ASSIGN(std::vector<Network> networks, list_own_networks(link, taken));
  for (Network& bridge : list_bridges(link)) {
    if (!taken.contains(bridge.name)) networks.push_back(std::move(bridge));
  }
  // An unprivileged daemon has no other.
  if (context.connection.session()) {
    networks.push_back({"user", "user", "nat", std::nullopt, true});
  }
  sort_by_name(networks);
  return networks;
}

Result<Inventory> read_inventory(Context& context, const Scope& scope, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  const std::string xml = take(virConnectGetCapabilities(link.get()));
  if (xml.empty()) return last_error("asking for the host's capabilities");
  FLYT_ASSIGN(const CapabilityFacts capabilities, parse_capabilities(xml));
  Inventory inventory;
  inventory.endpoint = context.config.name;
  inventory.driver = "libvirt";
  FLYT_ASSIGN(inventory.platform_id, host_id(context, capabilities.host_uuid, call));
  FLYT_ASSIGN(Host host, read_host(link.get(), inventory.platform_id));
  inventory.platform = platform_text(link.get(), host.name);
  inventory.hosts.push_back(std::move(host));
  std::set<std::string> used;
  FLYT_TRY(read_machines(context, link.get(), scope, inventory, used, call));
  FLYT_TRY(proceed(call, "reading storage"));
  FLYT_TRY(read_storages(context, link.get(), used, scope.machine.empty(), inventory, call));
  if (!scope.migration_id.empty()) {
    auto& volumes = inventory.volumes;
    volumes.erase(
        std::remove_if(volumes.begin(), volumes.end(),
                       [&](const Volume& one) { return one.migration_id != scope.migration_id; }),
        volumes.end());
    FLYT_ASSIGN(auto bare, made_bare(context, scope.migration_id, call));
    if (bare) inventory.machines.push_back(*std::move(bare));
  }
  FLYT_ASSIGN(inventory.networks, list_networks(context, link.get()));
  if (scope.machine.empty() && scope.migration_id.empty()) {
    const FirmwareOffer offer = firmware_offer(link.get());
    inventory.secure_boot = offer.secure_boot;
    inventory.new_tpm = offer.tpm;
  }
  sort_by_name(inventory.machines);
  sort_by_name(inventory.storages);
  sort_by_name(inventory.volumes);
  FLYT_ASSIGN(const AccelChoice accel, context.acceleration.choose(capabilities.kvm, call));
  inventory.notes.push_back("acceleration: " + accel.why);
  inventory.notes.push_back(
      fmt::format("transport: qemu-nbd on the host, landing = \"{}\"; "
                  "machines must be off",
                  context.landing.name));
  FLYT_TRY(still_connected(link.get()));
  return inventory;
}

}  // namespace flyt::virt
