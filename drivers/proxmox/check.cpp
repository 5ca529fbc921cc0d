#include "drivers/proxmox/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "drivers/proxmox/machines.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view role = "FlytMove";
constexpr std::array<std::string_view, 10> of_machines{
    "VM.Allocate",      "VM.Audit",         "VM.Config.CPU",     "VM.Config.Disk",
    "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options",
    "VM.Config.CDROM",  "VM.PowerMgmt"};
constexpr std::array<std::string_view, 2> of_storages{"Datastore.AllocateSpace", "Datastore.Audit"};

// The guest agent was asked by another privilege before version 9.
std::string_view of_agent(const std::string& version) {
  return version.starts_with("8.") || version.starts_with("7.") ? "VM.Monitor"
                                                                : "VM.GuestAgent.Audit";
}

class Check {
 public:
  Check(Context& context, const Cluster& cluster, std::vector<std::string>& notes, const Call& call)
      : context_(context), cluster_(cluster), notes_(notes), call_(call) {}

  Result<std::vector<Finding>> run() {
    FLYT_TRY(check_machines());
    FLYT_TRY(check_storages());
    FLYT_TRY(check_bridges());
    FLYT_TRY(check_nodes());
    return std::move(findings_);
  }

 private:
  const std::string& who() const { return context_.api.login().who(); }

  // Those of `wanted` that are not granted on `path`.
  template <typename Names>
  Result<std::vector<std::string>> missing(const std::string& path, const Names& wanted) {
    constexpr std::string_view what = "asking for privileges";
    FLYT_ASSIGN(const std::string body,
                context_.api.get("/access/permissions", what, call_, {{"path", path}}));
    FLYT_ASSIGN(const Grants grants, parse_grants(body, what));
    const auto here = grants.find(path);
    std::vector<std::string> lacks;
    for (const auto& one : wanted) {
      const std::string name(one);
      if (here == grants.end() ||
          std::find(here->second.begin(), here->second.end(), name) == here->second.end()) {
        lacks.push_back(name);
      }
    }
    return lacks;
  }

  // A token has what its user and itself are granted, both.
  std::vector<std::string> grant(const std::string& path) const {
    const std::string user = who().substr(0, who().find('!'));
    std::vector<std::string> lines{
        fmt::format("pveum role add {} --privs \"{}\"", role,
                    fmt::join(role_privileges(cluster_.version), " ")),
        fmt::format("pveum acl modify {} --users {} --roles {}", path, user, role)};
    if (user != who()) {
      lines.push_back(
          fmt::format("pveum acl modify {} --tokens '{}' --roles {}", path, who(), role));
    }
    return lines;
  }

  void lacks(const std::string& path, const std::vector<std::string>& names, bool must,
             std::string_view for_what) {
    findings_.push_back(
        {fmt::format("{} may not {}: {} on {} {} missing", who(), for_what, fmt::join(names, ", "),
                     path, names.size() == 1 ? "is" : "are"),
         grant(path), must});
  }

  Status check_machines() {
    const std::string& pool = context_.settings.pool;
    const std::string path = pool.empty() ? "/vms" : "/pool/" + pool;
    std::vector<std::string> wanted(of_machines.begin(), of_machines.end());
    FLYT_ASSIGN(const auto names, missing(path, wanted));
    if (!names.empty()) lacks(path, names, true, "make and change machines");
    FLYT_ASSIGN(const auto agent,
                missing(path, std::array<std::string_view, 1>{of_agent(cluster_.version)}));
    if (!agent.empty()) lacks(path, agent, false, "ask guest agents for addresses");
    return ok();
  }

  // One that it may use is enough; the others are told, since a plan may name them.
  template <typename Names>
  Status check_each(const std::set<std::pair<std::string, std::string>>& places,
                    const Names& wanted, std::string_view what) {
    bool usable = false;
    std::vector<std::pair<std::string, std::vector<std::string>>> closed;
    for (const auto& [name, path] : places) {
      FLYT_ASSIGN(auto names, missing(path, wanted));
      usable = usable || names.empty();
      if (!names.empty()) closed.emplace_back(path, std::move(names));
    }
    for (const auto& [path, names] : closed) {
      lacks(path, names, !usable, fmt::format("use the {}", what));
    }
    return ok();
  }

  Status check_storages() {
    std::set<std::pair<std::string, std::string>> places;
    for (const StorageFacts& one : cluster_.storages) {
      if (one.holds("images")) places.emplace(one.id, "/storage/" + one.id);
    }
    if (places.empty()) {
      findings_.push_back(
          {"no storage for disks is to be seen", {"pvesm set STORAGE --content images,..."}, true});
    }
    return check_each(places, of_storages, "storage");
  }

  Status check_bridges() {
    std::set<std::pair<std::string, std::string>> places;
    for (const BridgeFacts& one : cluster_.bridges) {
      places.emplace(one.name, fmt::format("/sdn/zones/{}/{}", one.zone, one.name));
    }
    return check_each(places, std::array<std::string_view, 1>{"SDN.Use"}, "network");
  }

  Status check_nodes() {
    FLYT_ASSIGN(const auto audit, missing("/", std::array<std::string_view, 1>{"Sys.Audit"}));
    if (!audit.empty()) lacks("/", audit, false, "see the nodes' addresses and processors");
    for (const NodeFacts& node : cluster_.nodes) {
      if (!context_.settings.node.empty() && node.name != context_.settings.node) continue;
      if (!node.online) {
        findings_.push_back(
            {fmt::format("node {} is offline", node.name), {"pvecm status"}, false});
        continue;
      }
      if (context_.settings.way != Way::none) FLYT_TRY(check_ssh(node.name));
    }
    return ok();
  }

  Status check_ssh(const std::string& node) {
    auto host = landing_of(context_, node, call_);
    auto done = host ? landing_run(*host,
                                   {"sh", "-c",
                                    "id -u; for program in qemu-nbd flock setpriv; do "
                                    "command -v $program >/dev/null || echo $program; done"},
                                   call_)
                     : Result<Finished>(std::move(host).error());
    if (!done) {
      Error& error = done.error();
      if (error.code == Errc::cancelled) return std::move(error);
      findings_.push_back({fmt::format("{} cannot be reached by ssh: {}{}{}", node, error.what,
                                       error.seen.empty() ? "" : ": ", error.seen),
                           error.remedy, true});
      return ok();
    }
    std::string output = done->output;
    while (!output.empty() && output.back() == '\n') output.pop_back();
    if (output != "0") {
      std::replace(output.begin(), output.end(), '\n', ' ');
      findings_.push_back(
          {fmt::format("ssh to {} is not root there, or programs are missing: {}", node, output),
           {"landing = \"ssh+sudo\", or ssh = \"root@{address}\"",
            "apt-get install pve-qemu-kvm util-linux"},
           true});
      return ok();
    }
    notes_.push_back(fmt::format("{}: disks are reached by ssh, as root", node));
    return ok();
  }

  Context& context_;
  const Cluster& cluster_;
  std::vector<std::string>& notes_;
  const Call& call_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<std::string> role_privileges(const std::string& version) {
  std::vector<std::string> all(of_machines.begin(), of_machines.end());
  all.emplace_back(of_agent(version));
  all.insert(all.end(), of_storages.begin(), of_storages.end());
  all.emplace_back("SDN.Use");
  all.emplace_back("Sys.Audit");
  return all;
}

Result<std::vector<Finding>> find_hindrances(Context& context, const Cluster& cluster,
                                             std::vector<std::string>& notes, const Call& call) {
  return Check(context, cluster, notes, call).run();
}

}  // namespace flyt::proxmox
