// What is done with a machine that has landed, beyond running it: [machines.NAME.after] in the
// site.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flyt {

// Names are the platform's, and what they name is there already: none of it is ever made.
struct Enrolment {
  bool start_at_boot = false;                // with its host
  std::optional<std::uint32_t> start_order;  // ascending: who starts before whom
  std::optional<std::uint32_t> start_delay;  // seconds until the next one starts
  std::string ha;                            // "started", "ignored"; empty: not highly available
  std::string ha_group;                      // where it may run; empty: no group
  std::vector<std::string> ha_rules;         // that it is added to
  std::vector<std::string> backup_jobs;      // that take it along with their other machines
  std::string replicate_to;                  // a host that keeps a copy of its disks; empty: none
  std::string replicate_schedule;            // the platform's words; empty: its default
  std::vector<std::string> firewall;         // security groups, the first one first
  bool operator==(const Enrolment&) const = default;
  bool empty() const { return *this == Enrolment(); }
};

// Of `wanted` what is not so by `seen`.
Enrolment lacking(const Enrolment& wanted, const Enrolment& seen);

// For people, one thing each: "backup job nightly".
std::vector<std::string> enrolment_words(const Enrolment& enrolment);

// A host, and the storages whose disks can be replicated to it.
struct ReplicaHost {
  std::string name;
  std::vector<std::string> storages;  // Storage::name
};

// What machines of a platform can be enrolled with. Nothing: nobody has looked, or may not.
struct EnrolmentChoices {
  using Names = std::optional<std::vector<std::string>>;
  Names ha_groups, ha_rules, backup_jobs, firewall;
  std::optional<bool> firewall_on;  // where it is off, security groups keep nobody out
  std::optional<std::vector<ReplicaHost>> replicas;
};

}  // namespace flyt
