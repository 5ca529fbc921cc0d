#include "drivers/vsphere/surroundings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/units.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/affinity.hpp"

namespace flyt::vsphere {
namespace {

constexpr int deepest_tree = 64;
// vCenter's own mark of the port group that holds a distributed switch's physical links.
constexpr std::string_view uplink_tag = "SYSTEM/DVS.UPLINKPG";

std::optional<std::uint64_t> amount(const std::string& text) {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 18) return {};
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Nothing: none, or 4095, where the guest tags by itself.
std::optional<std::uint32_t> vlan_from(std::int64_t id) {
  if (id <= 0 || id > 4094) return {};
  return static_cast<std::uint32_t>(id);
}

// The VLAN of a distributed port group; nothing: none, a trunk, or a private one.
std::optional<std::uint32_t> vlan_of(pugi::xml_node vlan) {
  if (type_of(vlan) != "VmwareDistributedVirtualSwitchVlanIdSpec") return {};
  return vlan_from(number_child(vlan, "vlanId").value_or(0));
}

void put_above(const std::string& name, std::string& path) {
  if (!path.empty() && !name.empty()) path.insert(0, "/");
  path.insert(0, name);
}

PropertySpec datastore_properties() {
  return {"Datastore",
          {"name", "summary.type", "summary.capacity", "summary.freeSpace", "summary.accessible"}};
}

Surroundings::Datastore datastore_of(const Object& object) {
  Surroundings::Datastore store;
  store.storage = {
      object.ref().value, plain_name(object.text("name")), object.text("summary.type"), {}, {}};
  store.storage.size_bytes = amount(object.text("summary.capacity"));
  store.storage.free_bytes = amount(object.text("summary.freeSpace"));
  store.accessible = object.text("summary.accessible") != "false";
  return store;
}

// A port group of one host.
struct StandardGroup {
  Ref host;
  std::string name;
  std::int64_t vlan;
};

class Reader {
 public:
  Reader(Session& session, const Call& call) : session_(session), call_(call) {}

  Result<Surroundings> read() {
    FLYT_TRY(each_object(
        session_, specs(), [this](const Object& one) { return take(one); }, call_));
    // Apart from the first question: these are networks, too, and more is to be known of them.
    FLYT_TRY(each_object(
        session_,
        {{"DistributedVirtualPortgroup", {"key", "tag", "config"}},
         {"OpaqueNetwork", {"summary"}},
         {"VirtualApp", {"parentFolder"}},
         {"ClusterComputeResource", {"configurationEx"}}},
        [this](const Object& one) { return take_more(one); }, call_));
    FLYT_TRY(read_attributes());
    set_standard_vlans();
    return std::move(found_);
  }

 private:
  static std::vector<PropertySpec> specs() {
    return {{"Folder", {"name", "parent"}},
            {"Datacenter", {"name", "parent"}},
            {"ComputeResource", {"name", "parent"}},
            {"ResourcePool", {"name", "parent"}},
            {"HostSystem",
             {"name", "parent", "runtime.connectionState", "summary.hardware.numCpuThreads",
              "summary.hardware.memorySize", "summary.quickStats.overallMemoryUsage",
              "config.network.portgroup"}},
            datastore_properties(),
            {"Network", {"name", "parent", "summary.accessible"}}};
  }

  Status take(const Object& object) {
    const Ref ref = object.ref();
    const std::string name = plain_name(object.text("name"));
    if (ref.type == "HostSystem") {
      take_host(object, ref, name);
    } else if (ref.type == "Datastore") {
      found_.datastores[ref] = datastore_of(object);
    } else if (ref.type == "Network" || ref.type == "DistributedVirtualPortgroup" ||
               ref.type == "OpaqueNetwork") {
      Network network{ref.value, name, "portgroup", {}, {}};
      if (ref.type == "OpaqueNetwork") network.kind = "nsx";
      if (const auto up = object.text("summary.accessible"); !up.empty()) {
        network.active = up == "true";
      }
      found_.networks[ref] = std::move(network);
    }
    found_.places[ref] = {name, object.ref_at("parent")};
    return ok();
  }

  void take_host(const Object& object, const Ref& ref, const std::string& name) {
    Host host{ref.value, name, {}, {}, {}, {}};
    if (const auto cpus = amount(object.text("summary.hardware.numCpuThreads"))) {
      host.cpus = static_cast<std::uint32_t>(*cpus);
    }
    host.memory_bytes = amount(object.text("summary.hardware.memorySize"));
    const auto used = amount(object.text("summary.quickStats.overallMemoryUsage"));
    if (host.memory_bytes && used && *used < *host.memory_bytes / mib) {
      host.memory_free_bytes = *host.memory_bytes - *used * mib;
    }
    found_.connected[ref] = object.text("runtime.connectionState") == "connected";
    found_.hosts[ref] = std::move(host);
    for (const pugi::xml_node group : object.at("config.network.portgroup").children()) {
      const pugi::xml_node spec = xml_child(group, "spec");
      standard_.push_back({ref, plain_name(xml_child_text(spec, "name")),
                           number_child(spec, "vlanId").value_or(0)});
    }
  }

  // A network of standard port groups is made of those that have its name in its datacentre.
  void set_standard_vlans() {
    std::map<std::pair<Ref, std::string>, std::set<std::int64_t>> vlans;
    for (const StandardGroup& one : standard_) {
      vlans[{found_.datacentre(one.host), one.name}].insert(one.vlan);
    }
    for (auto& [ref, network] : found_.networks) {
      if (ref.type != "Network") continue;
      const auto known = vlans.find({found_.datacentre(ref), network.name});
      if (known == vlans.end()) continue;
      if (known->second.size() > 1) {
        found_.notes.push_back(fmt::format("network {} has other VLANs on other hosts: {}",
                                           network.name, fmt::join(known->second, ", ")));
        continue;
      }
      network.vlan = vlan_from(*known->second.begin());
    }
  }

  Status take_more(const Object& object) {
    const Ref ref = object.ref();
    if (ref.type == "VirtualApp") {
      found_.vapps[ref] = object.ref_at("parentFolder");
      return ok();
    }
    if (ref.type == "ClusterComputeResource") {
      auto rules = rules_of(object.at("configurationEx"), found_.places[ref].name);
      std::move(rules.begin(), rules.end(), std::back_inserter(found_.rules));
      return ok();
    }
    return take_port_group(object);
  }

  Status take_port_group(const Object& object) {
    if (object.ref().type == "OpaqueNetwork") {
      found_.port_groups[xml_child_text(object.at("summary"), "opaqueNetworkId")] = object.ref();
      return ok();
    }
    for (const pugi::xml_node tag : object.at("tag").children()) {
      if (xml_child_text(tag, "key") != uplink_tag) continue;
      found_.networks.erase(object.ref());
      return ok();
    }
    found_.port_groups[object.text("key")] = object.ref();
    const auto known = found_.networks.find(object.ref());
    if (known == found_.networks.end()) return ok();
    const pugi::xml_node config = object.at("config");
    known->second.vlan = vlan_of(xml_child(xml_child(config, "defaultPortConfig"), "vlan"));
    // From vSphere 7 on, segments of NSX are port groups.
    if (xml_child_text(config, "backingType") == "nsx") known->second.kind = "nsx";
    return ok();
  }

  // ESXi has no custom attributes.
  Status read_attributes() {
    FLYT_ASSIGN(const Service service, session_.service(call_));
    if (service.custom_fields.empty()) return ok();
    return each_of(
        session_, {service.custom_fields}, {"CustomFieldsManager", {"field"}},
        [this](const Object& object) -> Status {
          for (const pugi::xml_node field : object.at("field").children()) {
            found_.attributes[xml_child_text(field, "key")] = xml_child_text(field, "name");
          }
          return ok();
        },
        call_);
  }

  Session& session_;
  const Call& call_;
  std::vector<StandardGroup> standard_;
  Surroundings found_;
};

}  // namespace

std::string Surroundings::folder_of(const Ref& machine_parent) const {
  std::string path;
  Ref at = machine_parent;
  for (int depth = 0; depth < deepest_tree; ++depth) {
    const auto place = places.find(at);
    if (place == places.end()) break;
    const bool root = place->second.parent.type == "Datacenter" && at.type == "Folder";
    // The folder "vm" of every datacentre is not shown to anybody, nor the root of all.
    if (!root && !place->second.parent.empty()) {
      if (!path.empty()) path.insert(0, "/");
      path.insert(0, place->second.name);
    }
    at = place->second.parent;
  }
  return path;
}

std::string Surroundings::folder_in(const Ref& vapp) const {
  std::string path;
  Ref at = vapp;
  for (int depth = 0; depth < deepest_tree; ++depth) {
    const auto place = places.find(at);
    if (at.type != "VirtualApp" || place == places.end()) break;
    put_above(place->second.name, path);
    const auto folder = vapps.find(at);
    if (folder != vapps.end() && !folder->second.empty()) {
      put_above(folder_of(folder->second), path);
      return path;
    }
    at = place->second.parent;
  }
  return path;
}

const Network* Surroundings::network_of(const DeviceNic& card) const {
  const auto group = port_groups.find(card.key);
  const auto known = networks.find(group == port_groups.end() ? card.network : group->second);
  return known == networks.end() ? nullptr : &known->second;
}

std::string Surroundings::pool_of(const Ref& pool) const {
  std::string path;
  Ref at = pool;
  for (int depth = 0; depth < deepest_tree; ++depth) {
    const auto place = places.find(at);
    if (place == places.end()) break;
    const std::string& above = place->second.parent.type;
    if (above != "ResourcePool" && above != "VirtualApp") break;
    put_above(place->second.name, path);
    at = place->second.parent;
  }
  return path;
}

Ref Surroundings::datacentre(const Ref& place) const {
  Ref at = place;
  for (int depth = 0; depth < deepest_tree && at.type != "Datacenter"; ++depth) {
    const auto found = places.find(at);
    if (found == places.end()) return {};
    at = found->second.parent;
  }
  return at.type == "Datacenter" ? at : Ref();
}

std::string Surroundings::datacentre_of(const Ref& place) const {
  const auto found = places.find(datacentre(place));
  return found == places.end() ? std::string() : found->second.name;
}

std::string Surroundings::cluster_of(const Ref& host) const {
  const auto found = places.find(host);
  if (found == places.end()) return {};
  const auto cluster = places.find(found->second.parent);
  if (cluster == places.end() || cluster->first.type != "ClusterComputeResource") return {};
  return cluster->second.name;
}

Result<Surroundings> read_surroundings(Session& session, const Call& call) {
  return Reader(session, call).read();
}

Status read_datastores(Session& session, Surroundings& around, const Call& call) {
  std::vector<Ref> all;
  for (const auto& [ref, store] : around.datastores) all.push_back(ref);
  if (all.empty()) return ok();
  return each_of(
      session, all, datastore_properties(),
      [&around](const Object& object) -> Status {
        around.datastores[object.ref()] = datastore_of(object);
        return ok();
      },
      call);
}

std::string plain_name(std::string_view written) {
  constexpr std::array<std::pair<std::string_view, char>, 5> codes{
      {{"%2f", '/'}, {"%2F", '/'}, {"%5c", '\\'}, {"%5C", '\\'}, {"%25", '%'}}};
  std::string plain;
  while (!written.empty()) {
    char c = written[0];
    std::size_t used = 1;
    for (const auto& [code, meant] : codes) {
      if (!written.starts_with(code)) continue;
      c = meant;
      used = code.size();
    }
    plain += c;
    written.remove_prefix(used);
  }
  return plain;
}

}  // namespace flyt::vsphere
