// High availability: a resource for the machine, in a group (8) or in rules (9).
#include <fmt/format.h>

#include <algorithm>

#include "base/uri.hpp"
#include "drivers/proxmox/enrol_parts.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

constexpr const char* resources_path = "/cluster/ha/resources";
constexpr const char* rules_path = "/cluster/ha/rules";

std::string resource_path(const std::string& vmid) {
  return fmt::format("{}/vm:{}", resources_path, vmid);
}

Result<std::vector<Row>> read_rules(const Enrolling& in) {
  return in.api().get_rows(rules_path, "listing the HA rules", in.call);
}

bool rules(const Row& rule, const std::string& sid) {
  const auto all = words_of(rule.text("resources"), ", ");
  return std::find(all.begin(), all.end(), sid) != all.end();
}

Error of_another_version(const Enrolling& in, std::string_view key, std::string_view instead) {
  return {Errc::unsupported,
          fmt::format("Proxmox VE {} knows no {}", in.cluster.version, key),
          "",
          "groups of version 8 are rules from 9 on",
          "nothing of what comes after landing was begun",
          {fmt::format("write {} instead", instead)}};
}

Status look_for_group(const Enrolling& in) {
  if (in.wanted.ha_group.empty()) return ok();
  if (!is_before_9(in.cluster.version)) {
    return of_another_version(in, "ha_group", "ha_rules = [\"...\"]");
  }
  FLYT_ASSIGN(const std::vector<Row> rows,
              in.api().get_rows("/cluster/ha/groups", "listing the HA groups", in.call));
  if (find_row(rows, "group", in.wanted.ha_group) != nullptr) return ok();
  return in.missing("HA group", in.wanted.ha_group,
                    "make it: Datacenter, HA, Groups; or correct ha_group = \"...\"");
}

Status look_for_rules(const Enrolling& in) {
  if (in.wanted.ha_rules.empty()) return ok();
  if (is_before_9(in.cluster.version)) {
    return of_another_version(in, "ha_rules", "ha_group = \"...\"");
  }
  FLYT_ASSIGN(const auto rows, read_rules(in));
  for (const std::string& rule : in.wanted.ha_rules) {
    if (find_row(rows, "rule", rule) != nullptr) continue;
    return in.missing("HA rule", rule,
                      "make it: Datacenter, HA, Affinity Rules; or correct ha_rules = [...]");
  }
  return ok();
}

Result<Row> read_resource(const Enrolling& in) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              in.api().get_rows(resources_path, "listing the HA resources", in.call));
  const Row* own = find_row(rows, "sid", in.sid());
  return own == nullptr ? Row() : *own;
}

// "started" is what a resource without a state is.
std::string state_of(const Row& resource) {
  return resource.has("state") ? resource.text("state") : "started";
}

Status add_resource(const Enrolling& in, const std::string& what) {
  FLYT_ASSIGN(const Row own, read_resource(in));
  Params params;
  const bool there = !own.values.empty();
  if (!there || state_of(own) != in.wanted.ha) params.emplace_back("state", in.wanted.ha);
  if (!in.wanted.ha_group.empty() && own.text("group") != in.wanted.ha_group) {
    params.emplace_back("group", in.wanted.ha_group);
  }
  if (params.empty()) return ok();
  FLYT_TRY(proceed(in.call, what));
  if (there) {
    if (own.has("digest")) params.emplace_back("digest", own.text("digest"));
    FLYT_TRY(in.api().request(Method::put, resource_path(in.here().vmid), params, what, in.call));
    return ok();
  }
  params.emplace_back("sid", in.sid());
  FLYT_TRY(in.api().request(Method::post, resources_path, params, what, in.call));
  return ok();
}

Status join_rule(const Enrolling& in, const std::string& name, const std::string& what) {
  FLYT_ASSIGN(const auto rows, read_rules(in));
  const Row* rule = find_row(rows, "rule", name);
  if (rule == nullptr) return in.missing("HA rule", name, "flyt plan");
  if (rules(*rule, in.sid())) return ok();
  Params params{{"type", rule->text("type")},
                {"resources", rule->text("resources") + "," + in.sid()}};
  if (rule->has("digest")) params.emplace_back("digest", rule->text("digest"));
  FLYT_TRY(proceed(in.call, what));
  FLYT_TRY(in.api().request(Method::put, fmt::format("{}/{}", rules_path, percent_encode(name)),
                            params, what, in.call));
  return ok();
}

}  // namespace

Status look_for_ha(const Enrolling& in) {
  if (in.wanted.ha.empty()) return ok();
  FLYT_TRY(look_for_group(in));
  return look_for_rules(in);
}

Status make_available(const Enrolling& in) {
  if (in.wanted.ha.empty()) return ok();
  const std::string what = fmt::format("making {} highly available", in.facts.config.machine.name);
  FLYT_TRY(add_resource(in, what));
  for (const std::string& rule : in.wanted.ha_rules) FLYT_TRY(join_rule(in, rule, what));
  return ok();
}

Status read_ha(const Enrolling& in, Enrolment& seen) {
  if (in.wanted.ha.empty()) return ok();
  FLYT_ASSIGN(const Row own, read_resource(in));
  if (own.values.empty()) return ok();
  seen.ha = state_of(own);
  seen.ha_group = own.text("group");
  if (in.wanted.ha_rules.empty()) return ok();
  FLYT_ASSIGN(const auto rows, read_rules(in));
  for (const std::string& name : in.wanted.ha_rules) {
    const Row* rule = find_row(rows, "rule", name);
    if (rule != nullptr && rules(*rule, in.sid())) seen.ha_rules.push_back(name);
  }
  return ok();
}

// Its rules lose the machine with it. A login that may not do this has not done it either: what
// somebody else has, the machine's removal ends.
Status end_ha(Context& context, const MachineHere& here, const Call& call) {
  FLYT_ASSIGN(const Row now, context.api.get_row(qemu_path(here) + "/status/current",
                                                 "asking for high availability", call));
  if (!now.flag("ha.managed")) return ok();
  const std::string what = fmt::format("ending the high availability of {}", here.vmid);
  FLYT_TRY(proceed(call, what));
  auto ended = context.api.request(Method::remove, resource_path(here.vmid), {}, what, call);
  if (ended || ended.error().code == Errc::not_found || ended.error().code == Errc::denied) {
    return ok();
  }
  return ended.error();
}

}  // namespace flyt::proxmox
