#include "drivers/vsphere/affinity.hpp"

#include <map>

#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/soap.hpp"
#include "drivers/vsphere/surroundings.hpp"

namespace flyt::vsphere {
namespace {

std::vector<std::string> values(pugi::xml_node parent, std::string_view name) {
  std::vector<std::string> all;
  for (const pugi::xml_node one : xml_children(parent, name)) all.push_back(xml_text(one));
  return all;
}

using Members = std::map<std::string, std::vector<std::string>>;

// Of the groups that rules between machines and hosts name.
Members members_of_groups(pugi::xml_node configuration) {
  Members members;
  for (const pugi::xml_node group : xml_children(configuration, "group")) {
    const bool hosts = type_of(group) == "ClusterHostGroup";
    members[xml_child_text(group, "name")] = values(group, hosts ? "host" : "vm");
  }
  return members;
}

void add_host_rule(pugi::xml_node from, const Members& groups, AffinityRule& rule) {
  const auto group = [&](std::string_view name) {
    const auto found = groups.find(xml_child_text(from, name));
    return found == groups.end() ? std::vector<std::string>() : found->second;
  };
  const bool off = xml_child_text(from, "affineHostGroupName").empty();
  rule.kind = off ? AffinityKind::off_hosts : AffinityKind::on_hosts;
  rule.machines = group("vmGroupName");
  rule.hosts = group(off ? "antiAffineHostGroupName" : "affineHostGroupName");
}

}  // namespace

std::vector<AffinityRule> rules_of(pugi::xml_node configuration, const std::string& cluster) {
  const Members groups = members_of_groups(configuration);
  std::vector<AffinityRule> rules;
  for (const pugi::xml_node from : xml_children(configuration, "rule")) {
    if (!flag_child(from, "enabled").value_or(true)) continue;
    AffinityRule rule;
    rule.name = plain_name(xml_child_text(from, "name"));
    rule.cluster = cluster;
    rule.must = flag_child(from, "mandatory").value_or(false);
    const std::string type = type_of(from);
    if (type == "ClusterVmHostRuleInfo") {
      add_host_rule(from, groups, rule);
    } else if (type == "ClusterAffinityRuleSpec" || type == "ClusterAntiAffinityRuleSpec") {
      rule.kind = type == "ClusterAffinityRuleSpec" ? AffinityKind::together : AffinityKind::apart;
      rule.machines = values(from, "vm");
    } else {
      continue;
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace flyt::vsphere
