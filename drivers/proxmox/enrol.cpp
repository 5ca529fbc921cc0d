#include "drivers/proxmox/enrol.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/proxmox/enrol_parts.hpp"
#include "drivers/proxmox/enrol_rights.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::proxmox {
namespace {

// Nothing is changed where one of them is not there.
Status look_for_all(const Enrolling& in) {
  FLYT_TRY(check_enrol_rights(in.api(), in.wanted, in.cluster.version, "/vms/" + in.here().vmid,
                              in.call));
  FLYT_TRY(look_for_firewall(in));
  FLYT_TRY(look_for_jobs(in));
  FLYT_TRY(look_for_replica(in));
  return look_for_ha(in);
}

// High availability comes last: what takes care of the machine's running takes it over.
Status do_all(const Enrolling& in) {
  FLYT_TRY(set_firewall(in));
  FLYT_TRY(set_options(in));
  FLYT_TRY(join_jobs(in));
  FLYT_TRY(replicate(in));
  return make_available(in);
}

Result<Enrolment> read_all(const Enrolling& in) {
  Enrolment seen;
  FLYT_TRY(read_options(in, seen));
  FLYT_TRY(read_firewall(in, seen));
  FLYT_TRY(read_jobs(in, seen));
  FLYT_TRY(read_replica(in, seen));
  FLYT_TRY(read_ha(in, seen));
  return seen;
}

// Nothing: this login is not told.
EnrolmentChoices::Names names_of(Api& api, const std::string& path, const std::string& key,
                                 const Call& call) {
  const auto rows = api.get_rows(path, "listing what machines can be enrolled in", call);
  if (!rows) return {};
  std::vector<std::string> names;
  for (const Row& row : *rows) names.push_back(row.text(key));
  return names;
}

std::optional<bool> is_firewall_on(Api& api, const Call& call) {
  const auto options =
      api.get_row("/cluster/firewall/options", "reading the firewall's state", call);
  if (!options) return std::nullopt;
  return options->number("enable").value_or(0) != 0;
}

Result<std::vector<ReplicaHost>> replica_hosts(Api& api, const Cluster& cluster,
                                               const std::vector<Enrolment>& wanted,
                                               const Call& call) {
  std::vector<ReplicaHost> hosts;
  for (const NodeFacts& node : cluster.nodes) {
    const bool asked = std::any_of(wanted.begin(), wanted.end(), [&](const Enrolment& one) {
      return one.replicate_to == node.name;
    });
    if (!asked || !node.online) continue;
    FLYT_ASSIGN(const auto storages, read_storages(api, node.name, call));
    ReplicaHost& host = hosts.emplace_back(ReplicaHost{node.name, {}});
    for (const StorageFacts& one : storages) {
      if (is_replicable(one)) host.storages.push_back(one.id);
    }
  }
  return hosts;
}

}  // namespace

Error Enrolling::missing(std::string_view kind, const std::string& name, std::string remedy) const {
  return {Errc::not_found,
          fmt::format("there is no {} {}", kind, name),
          "",
          "flyt makes none: it is the site's to say what is in it",
          "nothing of what comes after landing was begun",
          {std::move(remedy)}};
}

const Row* find_row(const std::vector<Row>& rows, std::string_view key, const std::string& name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.text(key) == name; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_replicable(const StorageFacts& storage) {
  return storage.type == "zfspool" && storage.holds("images") && storage.active;
}

Result<Enrolment> enrol(Context& context, const std::string& id, const Enrolment& wanted,
                        const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, id, call));
  FLYT_ASSIGN(const MachineFacts facts, read_machine(context, here, call));
  FLYT_TRY(check_ours(facts.config.machine, owner));
  FLYT_ASSIGN(const Cluster cluster, read_nodes(context.api, call));
  const Enrolling in{context, facts, wanted, cluster, call};
  // A job is read, and written with one machine more: nobody of this process comes between.
  const std::lock_guard lock(context.enrolling);
  FLYT_TRY(look_for_all(in));
  FLYT_TRY(do_all(in));
  return read_all(in);
}

Status leave(Context& context, const MachineHere& here, const Call& call) {
  FLYT_TRY(end_ha(context, here, call));
  return end_replication(context, here, call);
}

Result<EnrolmentChoices> read_choices(Context& context, const Cluster& cluster,
                                      const std::vector<Enrolment>& wanted, const Call& call) {
  using Names = std::vector<std::string>;
  EnrolmentChoices choices;
  Api& api = context.api;
  const auto any = [&](auto asks) { return std::any_of(wanted.begin(), wanted.end(), asks); };
  const bool before = is_before_9(cluster.version);
  if (any([](const Enrolment& one) { return !one.ha.empty(); })) {
    choices.ha_groups = before ? names_of(api, "/cluster/ha/groups", "group", call) : Names();
    choices.ha_rules = before ? Names() : names_of(api, "/cluster/ha/rules", "rule", call);
  }
  if (any([](const Enrolment& one) { return !one.backup_jobs.empty(); })) {
    choices.backup_jobs = names_of(api, "/cluster/backup", "id", call);
  }
  if (any([](const Enrolment& one) { return !one.firewall.empty(); })) {
    choices.firewall = names_of(api, "/cluster/firewall/groups", "group", call);
    choices.firewall_on = is_firewall_on(api, call);
  }
  if (any([](const Enrolment& one) { return !one.replicate_to.empty(); })) {
    FLYT_ASSIGN(choices.replicas, replica_hosts(api, cluster, wanted, call));
  }
  FLYT_TRY(proceed(call, "reading what machines can be enrolled in"));
  return choices;
}

}  // namespace flyt::proxmox
