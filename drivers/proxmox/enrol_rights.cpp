#include "drivers/proxmox/enrol_rights.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/proxmox/check.hpp"

namespace flyt::proxmox {
namespace {

using Privileges = std::vector<std::string_view>;

// Those on the whole cluster, in one role.
constexpr std::string_view cluster_role = "FlytAfter";

template <typename Asks>
bool any(std::span<const Enrolment> wanted, Asks asks) {
  return std::any_of(wanted.begin(), wanted.end(), asks);
}

EnrolRight on_cluster(std::string what, Privileges privileges) {
  return {std::move(what), "/", std::move(privileges), "/", cluster_role, {}};
}

EnrolRight replicating(const std::string& version, const std::string& machines) {
  const std::string what = "replicate machines";
  if (is_before_9(version)) {
    return {what, "/storage", {"Datastore.Allocate"}, "/", cluster_role, {}};
  }
  EnrolRight right{what,
                   machines,
                   {"VM.Replicate"},
                   machines,
                   role_name(Side::target),
                   role_privileges(Side::target, version)};
  right.role_privileges.emplace_back("VM.Replicate");
  return right;
}

// One role is made once, for all that is asked of it.
void share_role(std::vector<EnrolRight>& rights) {
  std::vector<std::string> all;
  for (const EnrolRight& right : rights) {
    if (right.role != cluster_role) continue;
    all.insert(all.end(), right.privileges.begin(), right.privileges.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (EnrolRight& right : rights) {
    if (right.role == cluster_role) right.role_privileges = all;
  }
}

}  // namespace

std::vector<EnrolRight> enrol_rights(std::span<const Enrolment> wanted, const std::string& version,
                                     const std::string& machines) {
  std::vector<EnrolRight> rights;
  if (any(wanted, [](const Enrolment& one) { return one.start_order || one.start_delay; })) {
    rights.push_back(on_cluster("say in which order machines start", {"Sys.Modify"}));
  }
  if (any(wanted, [](const Enrolment& one) { return !one.backup_jobs.empty(); })) {
    rights.push_back(on_cluster("put machines into backup jobs", {"Sys.Audit", "Sys.Modify"}));
  }
  if (any(wanted, [](const Enrolment& one) { return !one.ha.empty(); })) {
    rights.push_back(on_cluster("make machines highly available", {"Sys.Audit", "Sys.Console"}));
  }
  if (any(wanted, [](const Enrolment& one) { return !one.replicate_to.empty(); })) {
    rights.push_back(replicating(version, machines));
  }
  share_role(rights);
  return rights;
}

std::vector<std::string> grant_lines(const Login& login, const EnrolRight& right,
                                     const Roles& roles) {
  const Privileges privileges(right.role_privileges.begin(), right.role_privileges.end());
  return grant_lines(login, right.grant_path, right.role, roles, privileges);
}

Status check_enrol_rights(Api& api, const Enrolment& wanted, const std::string& version,
                          const std::string& machine, const Call& call) {
  for (const EnrolRight& right : enrol_rights({&wanted, 1}, version, machine)) {
    FLYT_ASSIGN(const auto lacks, missing_privileges(api, right.path, right.privileges, call));
    if (lacks.empty()) continue;
    Error error{Errc::denied, fmt::format("{} may not {}", api.login().who(), right.what)};
    error.seen = fmt::format("{} on {} {} missing", fmt::join(lacks, ", "), right.path,
                             lacks.size() == 1 ? "is" : "are");
    error.state = "nothing of what comes after landing was begun";
    FLYT_ASSIGN(const Roles roles, read_roles(api, call));
    error.remedy = grant_lines(api.login(), right, roles);
    return error;
  }
  return ok();
}

}  // namespace flyt::proxmox
