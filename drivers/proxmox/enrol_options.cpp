// Start at boot, and the firewall: what stands in the machine's own configuration and rules.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "drivers/proxmox/enrol_parts.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "drivers/proxmox/tasks.hpp"

namespace flyt::proxmox {
namespace {

constexpr const char* on = "1";

std::string rules_path(const Enrolling& in) { return qemu_path(in.here()) + "/firewall/rules"; }

std::string name_of(const Enrolling& in) { return in.facts.config.machine.name; }

// "order=1,up=30,down=60": what is not asked for stays.
std::string startup_of(const Enrolment& wanted, const std::string& now) {
  PropertyString text(now, "order");
  if (wanted.start_order) text.set("order", std::to_string(*wanted.start_order));
  if (wanted.start_delay) text.set("up", std::to_string(*wanted.start_delay));
  std::string all;
  for (const auto& [name, value] : text.items()) {
    all += fmt::format("{}{}={}", all.empty() ? "" : ",", name, value);
  }
  return all;
}

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

// As the machine runs now, not as it will after its next start.
Result<Row> config_now(const Enrolling& in) {
  return in.api().get_row(qemu_path(in.here()) + "/config", "reading the configuration", in.call,
                          {{"current", "1"}});
}

bool guarded(const std::string& card) {
  return PropertyString(card, "model").get("firewall") == on;
}

Params changes(const Enrolling& in, const Row& now) {
  Params params;
  const Enrolment& wanted = in.wanted;
  if (wanted.start_at_boot && !now.flag("onboot")) params.emplace_back("onboot", on);
  const std::string startup = startup_of(wanted, now.text("startup"));
  if (startup_of({}, now.text("startup")) != startup) params.emplace_back("startup", startup);
  if (wanted.firewall.empty()) return params;
  for (const auto& [key, value] : now.values) {
    if (!is_nic(key) || guarded(value)) continue;
    PropertyString card(value, "model");
    card.set("firewall", on);
    params.emplace_back(key, card.text());
  }
  return params;
}

Result<std::vector<std::string>> groups_in_force(const Enrolling& in) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              in.api().get_rows(rules_path(in), "reading the firewall's rules", in.call));
  std::vector<std::string> groups;
  for (const Row& row : rows) {
    if (row.text("type") == "group" && row.flag("enable")) groups.push_back(row.text("action"));
  }
  return groups;
}

}  // namespace

Status look_for_firewall(const Enrolling& in) {
  if (in.wanted.firewall.empty()) return ok();
  FLYT_ASSIGN(
      const std::vector<Row> rows,
      in.api().get_rows("/cluster/firewall/groups", "listing the security groups", in.call));
  for (const std::string& group : in.wanted.firewall) {
    if (find_row(rows, "group", group) != nullptr) continue;
    return in.missing("security group", group,
                      "make it: Datacenter, Firewall, Security Group; or correct firewall = [...]");
  }
  return ok();
}

// A rule is put before those that are there.
Status set_firewall(const Enrolling& in) {
  if (in.wanted.firewall.empty()) return ok();
  FLYT_ASSIGN(const auto there, groups_in_force(in));
  const auto& wanted = in.wanted.firewall;
  for (auto group = wanted.rbegin(); group != wanted.rend(); ++group) {
    if (std::find(there.begin(), there.end(), *group) != there.end()) continue;
    const std::string what =
        fmt::format("putting {} behind the security group {}", name_of(in), *group);
    FLYT_TRY(proceed(in.call, what));
    FLYT_TRY(in.api().request(Method::post, rules_path(in),
                              {{"type", "group"}, {"action", *group}, {"enable", on}}, what,
                              in.call));
  }
  const std::string options = qemu_path(in.here()) + "/firewall/options";
  FLYT_ASSIGN(const Row now, in.api().get_row(options, "reading the firewall's options", in.call));
  if (now.flag("enable")) return ok();
  FLYT_TRY(proceed(in.call, "switching the firewall on"));
  FLYT_TRY(in.api().request(Method::put, options, {{"enable", on}},
                            fmt::format("switching the firewall of {} on", name_of(in)), in.call));
  return ok();
}

Status set_options(const Enrolling& in) {
  FLYT_ASSIGN(const Row now, config_now(in));
  Params params = changes(in, now);
  if (params.empty()) return ok();
  if (now.has("digest")) params.emplace_back("digest", now.text("digest"));
  const std::string what = fmt::format("changing {}", name_of(in));
  FLYT_TRY(proceed(in.call, what));
  return do_task(in.api(), Method::post, qemu_path(in.here()) + "/config", params, what, in.call);
}

Status read_options(const Enrolling& in, Enrolment& seen) {
  FLYT_ASSIGN(const Row now, config_now(in));
  seen.start_at_boot = now.flag("onboot");
  const PropertyString startup(now.text("startup"), "order");
  seen.start_order = number_of(startup.get("order"));
  seen.start_delay = number_of(startup.get("up"));
  return ok();
}

// All groups, or none where the firewall is off or passes a card over.
Status read_firewall(const Enrolling& in, Enrolment& seen) {
  if (in.wanted.firewall.empty()) return ok();
  FLYT_ASSIGN(const Row options, in.api().get_row(qemu_path(in.here()) + "/firewall/options",
                                                  "reading the firewall's options", in.call));
  FLYT_ASSIGN(const Row now, config_now(in));
  const bool all = std::all_of(now.values.begin(), now.values.end(), [](const auto& entry) {
    return !is_nic(entry.first) || guarded(entry.second);
  });
  if (!options.flag("enable") || !all) return ok();
  FLYT_ASSIGN(seen.firewall, groups_in_force(in));
  return ok();
}

}  // namespace flyt::proxmox
