#include "drivers/rvtools/ground.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "drivers/rvtools/records.hpp"

namespace flyt::rvtools {
namespace {

constexpr std::uint32_t largest_vlan = 4094;

// A trunk ("0-4094"), a private one or none at all is no VLAN of its own.
std::optional<std::uint32_t> vlan_of(const std::string& text) {
  std::uint32_t vlan = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), vlan);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (!whole || vlan == 0 || vlan > largest_vlan) return std::nullopt;
  return vlan;
}

// What a distributed switch calls the group of its physical links.
bool is_uplink(std::string_view name) { return name.find("-DVUplinks-") != std::string_view::npos; }

std::string known_id(const std::map<std::string, std::string>& ids, const std::string& name) {
  const auto found = ids.find(name);
  return found == ids.end() ? name : found->second;
}

std::string id_or_name(const Row& row, const std::string& name) {
  const std::string id = row.text("objectid");
  return id.empty() ? name : id;
}

}  // namespace

Result<Ground> Ground::read(const Export& from, const std::string& vcenter, const Call& call) {
  Ground ground;
  const auto each = [&](const std::string& tab, void (Ground::*take)(const Row&)) -> Status {
    if (!from.has(tab)) return ok();
    return each_record(
        from, tab, vcenter,
        [&](const Row& row) -> Status {
          (ground.*take)(row);
          return ok();
        },
        call);
  };
  FLYT_TRY(each("vHost", &Ground::take_host));
  FLYT_TRY(each("vDatastore", &Ground::take_storage));
  FLYT_TRY(each("vPort", &Ground::take_group));
  FLYT_TRY(each("dvPort", &Ground::take_distributed));
  return ground;
}

void Ground::take_host(const Row& row) {
  Host host;
  host.name = row.text("host");
  if (host.name.empty()) return;
  host.id = id_or_name(row, host.name);
  if (!host_ids_.emplace(host.name, host.id).second) return;
  if (const auto cores = row.count("#cores"); cores && *cores > 0) {
    const bool threads = row.flag("htactive").value_or(false);
    host.cpus = static_cast<std::uint32_t>(*cores) * (threads ? 2 : 1);
  }
  host.memory_bytes = row.mib({"#memory", "#memorymib", "#memorymb"});
  const auto used = row.number("memoryusage");
  if (host.memory_bytes && used && *used >= 0 && *used <= 100) {
    host.memory_free_bytes =
        static_cast<std::uint64_t>(static_cast<double>(*host.memory_bytes) * (100 - *used) / 100);
  }
  host.place.site = row.text("datacenter");
  hosts_.push_back(std::move(host));
}

void Ground::take_storage(const Row& row) {
  Storage storage;
  storage.name = row.text("name");
  if (storage.name.empty()) return;
  storage.id = id_or_name(row, storage.name);
  if (!storage_ids_.emplace(storage.name, storage.id).second) return;
  storage.kind = row.text("type");
  storage.size_bytes = row.mib({"capacitymib", "capacitymb"});
  storage.free_bytes = row.mib({"freemib", "freemb"});
  if (row.flag("accessible") == false) {
    notes_.push_back(fmt::format("datastore {} could not be reached", storage.name));
  }
  storages_.push_back(std::move(storage));
}

void Ground::take_group(const Row& row) { set_vlan(row.text("portgroup"), "", row.text("vlan")); }

void Ground::take_distributed(const Row& row) {
  const std::string name = row.text("port");
  if (!is_uplink(name)) set_vlan(name, row.text("objectid"), row.text("vlan"));
}

// A standard port group is one row for each of its hosts.
void Ground::set_vlan(const std::string& name, const std::string& id, const std::string& vlan) {
  if (name.empty()) return;
  add_network(name);
  Network& network = networks_[by_network_.at(name)];
  if (!id.empty()) network.id = id;
  const auto [before, is_new] = vlans_.emplace(name, vlan);
  if (is_new) network.vlan = vlan_of(vlan);
  if (before->second == vlan) return;
  if (network.vlan) {
    notes_.push_back(fmt::format("network {} has other VLANs on other hosts: {} and {}", name,
                                 before->second, vlan));
  }
  network.vlan.reset();
}

std::string Ground::host_id(const std::string& name) const { return known_id(host_ids_, name); }

std::string Ground::storage_id(const std::string& name) const {
  return known_id(storage_ids_, name);
}

void Ground::add_network(const std::string& name) {
  if (!by_network_.emplace(name, networks_.size()).second) return;
  networks_.push_back({name, name, "portgroup", {}, {}});
}

void Ground::move_into(Inventory& inventory) && {
  inventory.hosts = std::move(hosts_);
  inventory.storages = std::move(storages_);
  inventory.networks = std::move(networks_);
  inventory.notes.insert(inventory.notes.end(), notes_.begin(), notes_.end());
}

}  // namespace flyt::rvtools
