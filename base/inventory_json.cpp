#include "base/inventory_json.hpp"

#include <nlohmann/json.hpp>

#include "base/fields_json.hpp"
#include "base/machine_fields.hpp"

namespace flyt {

using Json = nlohmann::json;

namespace {
constexpr const char* document_type = "inventory";  // as `flyt inventory --json` marks it
}

template <>
struct Fields<Place> {
  static void visit(auto& io, auto& place) {
    io("provider", place.provider);
    io("region", place.region);
    io("country", place.country);
    io("site", place.site);
  }
};

template <>
struct Fields<Host> {
  static void visit(auto& io, auto& host) {
    io("id", host.id);
    io("name", host.name);
    io("cpus", host.cpus);
    io("memory_bytes", host.memory_bytes);
    io("memory_free_bytes", host.memory_free_bytes);
    io("place", host.place);
    io.unless_empty("cpu_model", host.cpu_model);
    io.unless_empty("busy_percent", host.busy_percent);
  }
};

template <>
struct Fields<Storage> {
  static void visit(auto& io, auto& storage) {
    io("id", storage.id);
    io("name", storage.name);
    io("kind", storage.kind);
    io("size_bytes", storage.size_bytes);
    io("free_bytes", storage.free_bytes);
    io.unless_empty("shared", storage.shared);
    io.unless_empty("promised_bytes", storage.promised_bytes);
    io.unless_empty("land_by", storage.land_by);
    io.unless_empty("keeps", storage.keeps);
  }
};

template <>
struct Fields<Network> {
  static void visit(auto& io, auto& network) {
    io("id", network.id);
    io("name", network.name);
    io("kind", network.kind);
    io("vlan", network.vlan);
    io("active", network.active);
  }
};

template <>
struct Fields<Volume> {
  static void visit(auto& io, auto& volume) {
    io("id", volume.id);
    io("name", volume.name);
    io("storage", volume.storage);
    io("kind", volume.kind);
    io("format", volume.format);
    io("size_bytes", volume.size_bytes);
    io("migration_id", volume.migration_id);
    io.unless_empty("left_out", volume.left_out);
    io.unless_empty("uuid", volume.uuid);
  }
};

template <>
struct Fields<AffinityRule> {
  static void visit(auto& io, auto& rule) {
    io("name", rule.name);
    io("cluster", rule.cluster);
    io.word("kind", rule.kind, &affinity_kind_from);
    io("must", rule.must);
    io("machines", rule.machines);
    io("hosts", rule.hosts);
  }
};

template <>
struct Fields<Inventory> {
  static void visit(auto& io, auto& inventory) {
    io("endpoint", inventory.endpoint);
    io("driver", inventory.driver);
    io("platform", inventory.platform);
    io("platform_id", inventory.platform_id);
    io("place", inventory.place);
    io("machines", inventory.machines);
    io("hosts", inventory.hosts);
    io("storages", inventory.storages);
    io("networks", inventory.networks);
    io("volumes", inventory.volumes);
    io("rules", inventory.rules);
    io("notes", inventory.notes);
    io("can_cut_over", inventory.can_cut_over);
    io("can_track", inventory.can_track);
    io.unless_false("dns_names", inventory.dns_names);
  }
};

Json to_json(const Machine& machine) { return fields_json(machine); }
Json to_json(const Inventory& inventory) { return fields_json(inventory); }
Json to_json(const Concern& concern) { return fields_json(concern); }

Result<Machine> machine_from(const Json& json) {
  return fields_from<Machine>(json, "", Words::lenient);
}
Result<Concern> concern_from(const Json& json) {
  return fields_from<Concern>(json, "", Words::lenient);
}
Result<Inventory> inventory_from(const Json& json) {
  return fields_from<Inventory>(json, "", Words::lenient);
}

std::string inventory_text(const Inventory& inventory) {
  // A platform may give names that are no UTF-8; they must not cost the whole document.
  Json document = to_json(inventory);
  document["type"] = document_type;
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Inventory> parse_inventory(std::string_view text) {
  FLYT_ASSIGN(const Json json, parse_document(text, "the inventory"));
  if (!json.is_object() || json.value("type", Json()) != document_type) {
    return Error{Errc::invalid, "this is no inventory", "it does not say type = \"inventory\""};
  }
  return inventory_from(json);
}

}  // namespace flyt
