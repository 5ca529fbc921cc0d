#include "base/enrolment.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flyt {
namespace {

using Names = std::vector<std::string>;

Names without(const Names& wanted, const Names& seen) {
  Names rest;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(rest), [&](const auto& one) {
    return std::find(seen.begin(), seen.end(), one) == seen.end();
  });
  return rest;
}

template <typename T>
void keep_other(const T& wanted, const T& seen, T& lacks) {
  if (wanted != T() && wanted != seen) lacks = wanted;
}

std::string start_words(const Enrolment& enrolment) {
  std::string text = enrolment.start_at_boot ? "starts with its host" : "";
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (enrolment.start_order) add(fmt::format("start order {}", *enrolment.start_order));
  if (enrolment.start_delay) add(fmt::format("the next one {} s later", *enrolment.start_delay));
  return text;
}

std::string ha_words(const Enrolment& enrolment) {
  std::string text = enrolment.ha.empty() ? "" : "high availability: " + enrolment.ha;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (!enrolment.ha_group.empty()) add("HA group " + enrolment.ha_group);
  for (const std::string& rule : enrolment.ha_rules) add("HA rule " + rule);
  return text;
}

std::string replica_words(const Enrolment& enrolment) {
  const std::string& schedule = enrolment.replicate_schedule;
  if (enrolment.replicate_to.empty()) {
    return schedule.empty() ? "" : fmt::format("replicated at {}", schedule);
  }
  return fmt::format("replicated to {}{}", enrolment.replicate_to,
                     schedule.empty() ? "" : " at " + schedule);
}

}  // namespace

Enrolment lacking(const Enrolment& wanted, const Enrolment& seen) {
  Enrolment lacks;
  keep_other(wanted.start_at_boot, seen.start_at_boot, lacks.start_at_boot);
  keep_other(wanted.start_order, seen.start_order, lacks.start_order);
  keep_other(wanted.start_delay, seen.start_delay, lacks.start_delay);
  keep_other(wanted.ha, seen.ha, lacks.ha);
  keep_other(wanted.ha_group, seen.ha_group, lacks.ha_group);
  lacks.ha_rules = without(wanted.ha_rules, seen.ha_rules);
  lacks.backup_jobs = without(wanted.backup_jobs, seen.backup_jobs);
  keep_other(wanted.replicate_to, seen.replicate_to, lacks.replicate_to);
  keep_other(wanted.replicate_schedule, seen.replicate_schedule, lacks.replicate_schedule);
  lacks.firewall = without(wanted.firewall, seen.firewall);
  return lacks;
}

std::vector<std::string> enrolment_words(const Enrolment& enrolment) {
  Names words{start_words(enrolment), ha_words(enrolment)};
  for (const std::string& job : enrolment.backup_jobs) words.push_back("backup job " + job);
  words.push_back(replica_words(enrolment));
  for (const std::string& group : enrolment.firewall) words.push_back("security group " + group);
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

}  // namespace flyt
