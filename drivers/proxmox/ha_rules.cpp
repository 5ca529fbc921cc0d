#include "drivers/proxmox/ha_rules.hpp"

#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view machine_mark = "vm:";

// Containers are left out, as everywhere.
std::vector<std::string> machines_of(const std::string& resources) {
  std::vector<std::string> machines;
  for (const std::string& one : words_of(resources, ", ")) {
    if (one.starts_with(machine_mark)) machines.push_back(one.substr(machine_mark.size()));
  }
  return machines;
}

// "pve1:2,pve2": with their priorities.
std::vector<std::string> nodes_of(const std::string& nodes) {
  std::vector<std::string> names;
  for (const std::string& one : words_of(nodes, ", "))
    names.push_back(one.substr(0, one.find(':')));
  return names;
}

AffinityKind kind_of(const Row& rule) {
  if (rule.text("type") == "node-affinity") return AffinityKind::on_hosts;
  if (rule.text("affinity") == "positive") return AffinityKind::together;
  return rule.text("affinity") == "negative" ? AffinityKind::apart : AffinityKind::unknown;
}

std::vector<AffinityRule> from_rules(Api& api, const Call& call) {
  std::vector<AffinityRule> found;
  const auto rows = api.get_rows("/cluster/ha/rules", "listing the HA rules", call);
  if (!rows) return found;
  for (const Row& row : *rows) {
    if (row.flag("disable")) continue;
    AffinityRule rule{.name = row.text("rule"), .cluster = {}, .kind = kind_of(row)};
    // A rule on nodes is a wish unless it is strict; one on machines always holds.
    rule.must = rule.kind != AffinityKind::on_hosts || row.flag("strict");
    rule.machines = machines_of(row.text("resources"));
    if (rule.kind == AffinityKind::on_hosts) rule.hosts = nodes_of(row.text("nodes"));
    if (!rule.machines.empty()) found.push_back(std::move(rule));
  }
  return found;
}

std::vector<AffinityRule> from_groups(Api& api, const Call& call) {
  std::vector<AffinityRule> found;
  const auto groups = api.get_rows("/cluster/ha/groups", "listing the HA groups", call);
  const auto resources = api.get_rows("/cluster/ha/resources", "listing the HA resources", call);
  if (!groups || !resources) return found;
  for (const Row& group : *groups) {
    AffinityRule rule{.name = group.text("group"), .cluster = {}, .kind = AffinityKind::on_hosts};
    rule.must = group.flag("restricted");
    rule.hosts = nodes_of(group.text("nodes"));
    for (const Row& resource : *resources) {
      if (resource.text("group") != rule.name) continue;
      for (std::string& machine : machines_of(resource.text("sid"))) {
        rule.machines.push_back(std::move(machine));
      }
    }
    if (!rule.machines.empty()) found.push_back(std::move(rule));
  }
  return found;
}

}  // namespace

std::vector<AffinityRule> read_affinity(Api& api, const Cluster& cluster, const Call& call) {
  auto rules = is_before_9(cluster.version) ? from_groups(api, call) : from_rules(api, call);
  for (AffinityRule& rule : rules) rule.cluster = cluster.name;
  return rules;
}

}  // namespace flyt::proxmox
