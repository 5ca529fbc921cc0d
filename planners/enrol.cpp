#include "planners/enrol.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "planners/draft.hpp"

namespace flyt {
namespace {

template <typename T>
void take_over(std::optional<T>& into, const std::optional<T>& own) {
  if (own) into = own;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Lacks {
 public:
  explicit Lacks(const Inventory& target) : target_(target) {}

  void look_for(std::string_view kind, const std::vector<std::string>& wanted,
                const EnrolmentChoices::Names& known) {
    if (!known) return;
    for (const std::string& one : wanted) {
      if (holds(*known, one)) continue;
      const std::string all =
          known->empty() ? "none at all" : fmt::format("{}", fmt::join(*known, ", "));
      found_.push_back(
          fmt::format("{} has no {} \"{}\", but {}", target_.endpoint, kind, one, all));
    }
  }

  void look_for_replica(const std::string& host, const std::vector<DiskSpec>& disks) {
    const auto& hosts = target_.choices.replicas;
    if (host.empty() || !hosts) return;
    const auto there = std::find_if(hosts->begin(), hosts->end(),
                                    [&](const ReplicaHost& one) { return one.name == host; });
    if (there == hosts->end()) {
      found_.push_back(fmt::format("{} has no host \"{}\" that is online to replicate to",
                                   target_.endpoint, host));
      return;
    }
    for (std::size_t i = 0; i < disks.size(); ++i) {
      if (holds(there->storages, disks[i].storage)) continue;
      found_.push_back(
          fmt::format("disk {} comes to the storage \"{}\", which cannot be replicated to {}", i,
                      disks[i].storage, host));
    }
  }

  std::vector<std::string> take() && { return std::move(found_); }

 private:
  const Inventory& target_;
  std::vector<std::string> found_;
};

}  // namespace

AfterSettings over(AfterSettings defaults, const AfterSettings& own) {
  take_over(defaults.start_at_boot, own.start_at_boot);
  take_over(defaults.start_order, own.start_order);
  take_over(defaults.start_delay, own.start_delay);
  take_over(defaults.ha, own.ha);
  take_over(defaults.ha_group, own.ha_group);
  take_over(defaults.ha_rules, own.ha_rules);
  take_over(defaults.backup_jobs, own.backup_jobs);
  take_over(defaults.replicate_to, own.replicate_to);
  take_over(defaults.replicate_schedule, own.replicate_schedule);
  take_over(defaults.firewall, own.firewall);
  return defaults;
}

Enrolment enrolment_of(const AfterSettings& settings) {
  Enrolment made;
  made.start_at_boot = settings.start_at_boot.value_or(false);
  made.start_order = settings.start_order;
  made.start_delay = settings.start_delay;
  made.backup_jobs = settings.backup_jobs.value_or(std::vector<std::string>());
  made.firewall = settings.firewall.value_or(std::vector<std::string>());
  made.replicate_to = settings.replicate_to.value_or("");
  if (!made.replicate_to.empty())
    made.replicate_schedule = settings.replicate_schedule.value_or("");
  if (settings.ha == "none") return made;
  made.ha_group = settings.ha_group.value_or("");
  made.ha_rules = settings.ha_rules.value_or(std::vector<std::string>());
  const bool implied = !made.ha_group.empty() || !made.ha_rules.empty();
  made.ha = settings.ha.value_or(implied ? "started" : "");
  return made;
}

std::vector<Enrolment> enrolments_of(const Site& site) {
  std::vector<Enrolment> all;
  const auto add = [&all](const AfterSettings& settings) {
    Enrolment one = enrolment_of(settings);
    if (one.empty() || std::find(all.begin(), all.end(), one) != all.end()) return;
    all.push_back(std::move(one));
  };
  add(site.defaults.after);
  for (const auto& [name, own] : site.machines) add(settings_of(site, name).after);
  return all;
}

std::vector<std::string> not_there(const Enrolment& wanted, const std::vector<DiskSpec>& disks,
                                   const Inventory& target) {
  const EnrolmentChoices& choices = target.choices;
  Lacks lacks(target);
  if (!wanted.ha_group.empty()) lacks.look_for("HA group", {wanted.ha_group}, choices.ha_groups);
  lacks.look_for("HA rule", wanted.ha_rules, choices.ha_rules);
  lacks.look_for("backup job", wanted.backup_jobs, choices.backup_jobs);
  lacks.look_for("security group", wanted.firewall, choices.firewall);
  lacks.look_for_replica(wanted.replicate_to, disks);
  return std::move(lacks).take();
}

}  // namespace flyt
