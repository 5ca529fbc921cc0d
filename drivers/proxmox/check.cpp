#include "drivers/proxmox/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/units.hpp"
#include "drivers/proxmox/enrol_rights.hpp"
#include "drivers/proxmox/land.hpp"
#include "drivers/proxmox/machines.hpp"
#include "drivers/proxmox/privileges.hpp"
#include "drivers/proxmox/upload_rights.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {
namespace {

// Where a privilege is granted; `zones`: of virtual networks.
enum class On : std::uint8_t { machines, storages, networks, zones, root };

// Who needs it.
enum class Of : std::uint8_t { source, target, both };

// What a login may not do where it lacks one of `privileges`.
struct Ability {
  std::string_view what;  // "may not ..."
  On on;
  Of of;
  bool must;
  std::vector<std::string_view> privileges;
};

// That volumes are listed takes VM.Backup or VM.Config.Disk, and the first changes nothing.
std::vector<Ability> abilities(const std::string& version) {
  const std::string_view agent = is_before_9(version) ? "VM.Monitor" : "VM.GuestAgent.Audit";
  return {
      {"make and change machines",
       On::machines,
       Of::target,
       true,
       {"VM.Allocate", "VM.Audit", "VM.Config.CPU", "VM.Config.Disk", "VM.Config.HWType",
        "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "VM.PowerMgmt"}},
      {"see machines and their disks", On::machines, Of::source, true, {"VM.Audit", "VM.Backup"}},
      {"copy machines that run", On::machines, Of::source, false, {"VM.Snapshot"}},
      {"shut machines down", On::machines, Of::source, false, {"VM.PowerMgmt"}},
      {"ask guest agents for addresses", On::machines, Of::both, false, {agent}},
      {"make disks on the storage", On::storages, Of::target, true, {"Datastore.AllocateSpace"}},
      {"see the disks of the storage", On::storages, Of::source, true, {"Datastore.Audit"}},
      {"use the network", On::networks, Of::target, true, {"SDN.Use"}},
      {"see what virtual networks are", On::zones, Of::target, false, {"SDN.Audit"}},
      {"see the nodes' addresses and processors", On::root, Of::both, false, {"Sys.Audit"}}};
}

bool is_of(const Ability& ability, Side side) {
  return ability.of == Of::both || (side == Side::source) == (ability.of == Of::source);
}

class Check {
 public:
  Check(Context& context, const Cluster& cluster, const Scope& scope,
        std::vector<std::string>& notes, const Call& call)
      : context_(context), cluster_(cluster), scope_(scope), notes_(notes), call_(call) {}

  Result<std::vector<Finding>> run() {
    FLYT_ASSIGN(roles_, read_roles(context_.api, call_));
    for (const Ability& one : abilities(cluster_.version)) {
      const bool wanted = (scope_.source && is_of(one, Side::source)) ||
                          (scope_.target && is_of(one, Side::target));
      if (wanted) FLYT_TRY(check(one));
    }
    if (context_.settings.way == Way::api && scope_.target) FLYT_TRY(check_consoles());
    FLYT_TRY(check_enrolments());
    FLYT_TRY(check_nodes());
    return std::move(findings_);
  }

 private:
  using Names = std::vector<std::string>;

  bool as_target(const Ability& ability) const {
    return scope_.target && is_of(ability, Side::target);
  }

  const std::string& who() const { return context_.api.login().who(); }

  Result<Names> missing(const std::string& path, const std::vector<std::string_view>& wanted) {
    return missing_privileges(context_.api, path, wanted, call_);
  }

  Names grant(const std::string& path, Side side) const {
    const std::vector<std::string> all = role_privileges(side, cluster_.version);
    const std::vector<std::string_view> privileges(all.begin(), all.end());
    return grant_lines(context_.api.login(), path, role_name(side), roles_, privileges);
  }

  // `where`: for people, `path`: what is to be granted.
  void lacks(const Ability& ability, const Names& names, const std::string& where,
             const std::string& path, bool must) {
    const Side side = as_target(ability) ? Side::target : Side::source;
    findings_.push_back(
        {fmt::format("{} may not {}: {} on {} {} missing", who(), ability.what,
                     fmt::join(names, ", "), where, names.size() == 1 ? "is" : "are"),
         grant(path, side), must});
  }

  Status check(const Ability& ability) {
    switch (ability.on) {
      case On::machines:
        return as_target(ability) ? check_pool(ability) : check_machines(ability);
      case On::storages:
        return storages().empty() ? check_no_storage(ability) : check_each(ability, storages());
      case On::networks:
        return networks().empty() ? check_path(ability, "/sdn/zones")
                                  : check_each(ability, networks());
      case On::zones:
        return has_strange_vnets() ? check_path(ability, "/sdn/zones") : ok();
      case On::root:
        break;
    }
    return check_path(ability, "/");
  }

  // What the site asks for once machines have landed.
  Status check_enrolments() {
    const std::string& pool = context_.settings.pool;
    const std::string machines = pool.empty() ? "/vms" : "/pool/" + pool;
    for (const EnrolRight& right : enrol_rights(scope_.enrolments, cluster_.version, machines)) {
      FLYT_ASSIGN(const Names names, missing(right.path, right.privileges));
      if (names.empty()) continue;
      findings_.push_back(
          {fmt::format("{} may not {}: {} on {} {} missing", who(), right.what,
                       fmt::join(names, ", "), right.path, names.size() == 1 ? "is" : "are"),
           grant_lines(context_.api.login(), right, roles_), true});
    }
    return ok();
  }

  Status check_path(const Ability& ability, const std::string& path) {
    FLYT_ASSIGN(const Names names, missing(path, ability.privileges));
    if (!names.empty()) lacks(ability, names, path, path, ability.must);
    return ok();
  }

  // Where new machines come to stand.
  Status check_pool(const Ability& ability) {
    const std::string& pool = context_.settings.pool;
    return check_path(ability, pool.empty() ? "/vms" : "/pool/" + pool);
  }

  // On all machines, or at least on each one that is to be seen.
  Status check_machines(const Ability& ability) {
    FLYT_ASSIGN(Names names, missing("/vms", ability.privileges));
    if (names.empty()) return ok();
    FLYT_ASSIGN(const std::vector<MachineHere> machines, list_machines(context_.api, call_));
    Names without;
    for (const MachineHere& one : machines) {
      const std::string path = "/vms/" + one.vmid;
      FLYT_ASSIGN(const Names here, missing(path, ability.privileges));
      if (!here.empty()) without.push_back(path);
    }
    if (!machines.empty() && without.empty()) return ok();
    const bool all = without.size() == machines.size();
    const std::string where = all ? "/vms" : fmt::format("{}", fmt::join(without, ", "));
    lacks(ability, names, where, "/vms", ability.must);
    return ok();
  }

  // Storages that it has no right to are not shown to it.
  Status check_no_storage(const Ability& ability) {
    FLYT_ASSIGN(const Names names, missing("/storage", ability.privileges));
    if (!names.empty()) {
      lacks(ability, names, "/storage", "/storage", ability.must);
    } else {
      findings_.push_back(
          {"no storage for disks is to be seen", {"pvesm set STORAGE --content images,..."}, true});
    }
    return ok();
  }

  // One that it may use is enough; the others are told, since a plan may name them.
  Status check_each(const Ability& ability, const std::set<std::string>& paths) {
    bool usable = false;
    std::vector<std::pair<std::string, Names>> closed;
    for (const std::string& path : paths) {
      FLYT_ASSIGN(Names names, missing(path, ability.privileges));
      usable = usable || names.empty();
      if (!names.empty()) closed.emplace_back(path, std::move(names));
    }
    for (const auto& [path, names] : closed) {
      lacks(ability, names, path, path, ability.must && !usable);
    }
    return ok();
  }

  std::set<std::string> storages() const {
    std::set<std::string> paths;
    for (const StorageFacts& one : cluster_.storages) {
      if (one.holds("images")) paths.insert("/storage/" + one.id);
    }
    return paths;
  }

  std::set<std::string> networks() const {
    std::set<std::string> paths;
    for (const BridgeFacts& one : cluster_.bridges) {
      paths.insert(fmt::format("/sdn/zones/{}/{}", one.zone, one.name));
    }
    return paths;
  }

  // Their zone is told only to those who may look into it.
  bool has_strange_vnets() const {
    return std::any_of(
        cluster_.bridges.begin(), cluster_.bridges.end(),
        [](const BridgeFacts& one) { return one.vnet && one.zone == BridgeFacts{}.zone; });
  }

  // By SSH they are heard without. A machine lands and is proven by other means, too.
  Status check_consoles() {
    constexpr std::string_view role = "FlytConsole";
    constexpr std::array<std::string_view, 1> needed{"VM.Console"};
    const std::string& pool = context_.settings.pool;
    const std::string path = pool.empty() ? "/vms" : "/pool/" + pool;
    FLYT_ASSIGN(const Names names, missing_privileges(context_.api, path, needed, call_));
    if (!names.empty()) {
      FLYT_ASSIGN(Names lines, grant_beside(context_.api, path, role, needed, call_));
      findings_.push_back(
          {fmt::format("{} may not hear consoles: {} on {} is missing", who(), needed[0], path),
           std::move(lines), false});
    } else if (!context_.api.login().token.empty() && !consoles_take_tokens(cluster_.version)) {
      findings_.push_back(
          {fmt::format("{} cannot hear consoles: Proxmox VE {} takes no API token there", who(),
                       cluster_.version),
           {"user = \"flyt@pve\" and password, instead of a token"},
           false});
    } else {
      notes_.emplace_back("consoles are heard by the API, each from when its machine runs");
    }
    return ok();
  }

  Status check_nodes() {
    for (const NodeFacts& node : cluster_.nodes) {
      if (!context_.settings.node.empty() && node.name != context_.settings.node) continue;
      if (!node.online) {
        findings_.push_back(
            {fmt::format("node {} is offline", node.name), {"pvecm status"}, false});
        continue;
      }
      if (context_.settings.way == Way::api && scope_.target) FLYT_TRY(check_uploads(node.name));
      if (by_ssh(context_.settings.way)) FLYT_TRY(check_ssh(node.name));
    }
    return ok();
  }

  Status check_uploads(const std::string& node) {
    const auto store = import_storage(cluster_.storages, node, context_.settings);
    if (!store) {
      findings_.push_back({store.error().what, store.error().remedy, true});
      return ok();
    }
    FLYT_ASSIGN(const Names names, missing_upload_rights(context_, store->id, call_));
    if (!names.empty()) {
      FLYT_ASSIGN(Names lines, grant_upload_rights(context_, store->id, call_));
      findings_.push_back(
          {fmt::format("{} may not send images to {} and remove them again: {} {} missing", who(),
                       store->id, fmt::join(names, ", "), names.size() == 1 ? "is" : "are"),
           std::move(lines), true});
    }
    const auto space = [](const std::optional<std::uint64_t>& free) {
      return free ? format_size(*free) : std::string("an unknown amount");
    };
    notes_.push_back(fmt::format(
        "{}: disks land by uploads; storage {} takes them, one at a time, and has {} free; all of "
        "them are staged in {}, which has {} free; each lies once more in /var/tmp of the node "
        "while it arrives, which nobody can see by the API",
        node, store->id, space(store->free_bytes), context_.config.state.native(),
        space(context_.staging.free_bytes(call_))));
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
  const Scope& scope_;
  std::vector<std::string>& notes_;
  const Call& call_;
  Roles roles_;
  std::vector<Finding> findings_;
};

}  // namespace

Result<std::vector<std::string>> grant_beside(Api& api, const std::string& path,
                                              std::string_view role,
                                              std::span<const std::string_view> privileges,
                                              const Call& call) {
  FLYT_ASSIGN(const Roles roles, read_roles(api, call));
  FLYT_ASSIGN(const Row about, api.get_row("/version", "asking for the version", call));
  const std::vector<std::string> usual = role_privileges(Side::target, about.text("version"));
  const std::vector<std::string_view> of_target(usual.begin(), usual.end());
  std::vector<std::string> lines{role_line(roles, role_name(Side::target), of_target),
                                 role_line(roles, role, privileges)};
  std::erase(lines, "");
  const std::string both = fmt::format("{},{}", role_name(Side::target), role);
  for (std::string& line : grant_lines(api.login(), path, both)) lines.push_back(std::move(line));
  return lines;
}

std::string_view role_name(Side side) { return side == Side::source ? "FlytSource" : "FlytMove"; }

std::vector<std::string> role_privileges(Side side, const std::string& version) {
  std::vector<std::string> all;
  for (const Ability& one : abilities(version)) {
    if (is_of(one, side)) all.insert(all.end(), one.privileges.begin(), one.privileges.end());
  }
  return all;
}

Result<std::vector<Finding>> find_hindrances(Context& context, const Cluster& cluster,
                                             const Scope& scope, std::vector<std::string>& notes,
                                             const Call& call) {
  return Check(context, cluster, scope, notes, call).run();
}

}  // namespace flyt::proxmox
