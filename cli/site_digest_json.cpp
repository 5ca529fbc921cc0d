#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "cli/site_toml.hpp"

namespace flyt::cli {
namespace {

using nlohmann::json;

json of(const Ground& ground) {
  return {{"provider", ground.provider}, {"region", ground.region},
          {"country", ground.country},   {"operator", ground.operator_name},
          {"owner", ground.owner},       {"control", ground.control}};
}

json of(const EndpointConfig& endpoint) {
  json out = {{"driver", endpoint.driver},
              {"values", endpoint.values},
              {"limits",
               {{"rate", endpoint.limits.rate},
                {"connections", endpoint.limits.connections},
                {"view_min_free", endpoint.limits.view_min_free},
                {"view_max_age", endpoint.limits.view_max_age.count()}}}};
  if (endpoint.ground) out["ground"] = of(*endpoint.ground);
  return out;
}

json of(const Mapping& mapping) {
  json networks = json::object();
  for (const auto& [name, target] : mapping.networks) {
    networks[name] = {{"network", target.network}};
    if (target.vlan) networks[name]["vlan"] = *target.vlan;
  }
  return {{"networks", networks}, {"storages", mapping.storages}};
}

json of(const AfterSettings& after) {
  json out = json::object();
  const auto add = [&out](const char* name, const auto& value) {
    if (value) out[name] = *value;
  };
  add("start_at_boot", after.start_at_boot);
  add("start_order", after.start_order);
  add("start_delay", after.start_delay);
  add("ha", after.ha);
  add("ha_group", after.ha_group);
  add("ha_rules", after.ha_rules);
  add("backup_jobs", after.backup_jobs);
  add("replicate_to", after.replicate_to);
  add("replicate_schedule", after.replicate_schedule);
  add("firewall", after.firewall);
  return out;
}

json of(const MachineSettings& settings) {
  json out = json::object();
  if (settings.convert) out["convert"] = static_cast<int>(*settings.convert);
  if (settings.boot_timeout) out["boot_timeout"] = settings.boot_timeout->count();
  if (settings.settle) out["settle"] = settings.settle->count();
  if (settings.name) out["name"] = *settings.name;
  if (settings.wave) out["wave"] = *settings.wave;
  if (settings.track_changes) out["track_changes"] = *settings.track_changes;
  if (settings.secure_boot) out["secure_boot"] = *settings.secure_boot;
  if (settings.new_tpm) out["new_tpm"] = *settings.new_tpm;
  if (settings.marker) out["marker"] = *settings.marker;
  if (json after = of(settings.after); !after.empty()) out["after"] = std::move(after);
  for (const auto& probe : settings.probes) {
    out["probes"].push_back({{"kind", static_cast<int>(probe.kind)},
                             {"target", probe.target},
                             {"expect", probe.expect}});
  }
  return out;
}

template <typename Map>
json each(const Map& map) {
  json out = json::object();
  for (const auto& [name, value] : map) out[name] = of(value);
  return out;
}

}  // namespace

std::string site_digest(const Site& site) {
  const json document = {
      {"id", site.id},
      {"name", site.name},
      {"move", {{"from", site.from}, {"to", site.to}}},
      {"policy", {{"countries", site.policy.countries}, {"control", site.policy.control}}},
      {"endpoints", each(site.endpoints)},
      {"map", each(site.mappings)},
      {"defaults", of(site.defaults)},
      {"machines", each(site.machines)}};
  // Texts come from a TOML parser, which refuses what is not UTF-8; `replace` keeps dump() from
  // throwing all the same.
  return to_hex(sha256(document.dump(-1, ' ', false, json::error_handler_t::replace)));
}

}  // namespace flyt::cli
