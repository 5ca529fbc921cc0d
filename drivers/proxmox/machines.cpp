#include "drivers/proxmox/machines.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/dns_name.hpp"
#include "base/units.hpp"
#include "drivers/proxmox/build.hpp"
#include "drivers/proxmox/enrol.hpp"
#include "drivers/proxmox/land.hpp"
#include "drivers/proxmox/placement.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "drivers/proxmox/twins.hpp"
#include "drivers/proxmox/upload_rights.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::proxmox {
namespace {

Status check_spec(const MachineSpec& spec) {
  const auto wrong = [](std::string what) { return Error{Errc::invalid, std::move(what)}; };
  if (migration_of(spec.owner.id) != spec.owner.id || spec.owner.id.empty()) {
    return wrong("a machine needs a migration id");
  }
  if (!is_dns_name(spec.name)) {
    Error error = wrong(fmt::format("Proxmox VE takes no machine named \"{}\"", spec.name));
    error.why = "a name has letters, digits, '-' and '.', and no others";
    const std::string near = dns_name_from(spec.name);
    error.remedy.push_back(fmt::format("in the site file: [machines.\"{}\"]  name = \"{}\"",
                                       spec.name, near.empty() ? "..." : near));
    return error;
  }
  if (!spec.bare.empty()) {
    return Error{Errc::unsupported, "the API alone makes no volumes without a machine"};
  }
  if (spec.memory_bytes == 0 || spec.cpus == 0) {
    return wrong(fmt::format("{} needs memory and a processor", spec.name));
  }
  return ok();
}

// A platform that rounds up has made more than was asked for.
bool fits(const Disk& made, const DiskSpec& asked) { return made.size_bytes >= asked.size_bytes; }
bool fits_or_grows(const Disk&, const DiskSpec&) { return true; }

Status check_name(const std::vector<MachineHere>& machines, const MachineSpec& spec,
                  const std::string& own) {
  for (const MachineHere& other : machines) {
    if (other.vmid == own || other.name != spec.name) continue;
    return Error{
        Errc::exists,
        fmt::format("the name {} is taken by machine {} on {}", spec.name, other.vmid, other.node),
        "",
        "",
        "nothing was made",
        {"give the machine another name in the site: [machines.NAME] name = ..."}};
  }
  return ok();
}

Result<MachineFacts> read_by_id(Context& context, const std::string& id, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, id, call));
  return read_machine(context, here, call);
}

Error not_off(const Machine& machine) {
  return {Errc::denied, fmt::format("{} is not off", machine.name), "", "",
          "",           {fmt::format("qm shutdown {}", machine.id)}};
}

// Proxmox VE lets nobody but root set it, and no token counts as root: the node's own program does,
// where it is reached. One that it has made itself tells the guest that it was restored or doubled.
Status keep_generation(Context& context, const MachineHere& here, const MachineSpec& spec,
                       const Call& call) {
  if (spec.generation_id.empty() || !by_ssh(context.settings.way)) return ok();
  FLYT_ASSIGN(const LandingHost host, landing_of(context, here.node, call));
  FLYT_ASSIGN(const Finished done,
              landing_run(host, {"qm", "set", here.vmid, "--vmgenid", spec.generation_id}, call));
  if (done.status == 0) return ok();
  return Error{Errc::unavailable,
               fmt::format("{}: its VM-GenerationID cannot be set", spec.name),
               done.errors,
               "",
               "the machine was made, and has another one",
               {fmt::format("qm set {} --vmgenid {}", here.vmid, spec.generation_id)}};
}

// Before anything is made: where disks are landed by uploads, that they can be.
Status begin_staging(Context& context, const Cluster& cluster, const Placement& placement,
                     const MachineSpec& spec, const Call& call) {
  if (context.settings.way != Way::api) return ok();
  FLYT_ASSIGN(const StorageFacts store,
              import_storage(cluster.storages, placement.node, context.settings));
  FLYT_TRY(check_upload_rights(context, store.id, call));
  return context.staging.begin(spec.owner, spec.disks.size());
}

Status check_staged(Context& context, const MachineFacts& facts, const Owner& owner) {
  if (context.settings.way != Way::api) return ok();
  for (std::size_t i = 0; i < facts.config.machine.disks.size(); ++i) {
    FLYT_TRY(context.staging.state(staged_disk(facts.config.machine, i, owner)));
  }
  return ok();
}

// What of the migration lies elsewhere than in its machine.
Status remove_staged(Context& context, const std::string& node, const Owner& owner,
                     const Call& call) {
  if (context.settings.way != Way::api || owner.id.empty()) return ok();
  FLYT_ASSIGN(const Cluster cluster, read_nodes(context.api, call));
  for (const NodeFacts& one : cluster.nodes) {
    if (!one.online || (!node.empty() && one.name != node)) continue;
    FLYT_TRY(remove_uploads(context, one.name, owner.id, call));
  }
  return context.staging.remove(owner);
}

Result<Machine> make(Context& context, const MachineSpec& spec, Placement& placement,
                     const std::vector<MachineHere>& machines, const Call& call) {
  const std::string path = node_path(placement.node) + "/qemu";
  const std::string what = fmt::format("making {} on {}", spec.name, placement.node);
  for (unsigned from = 0;;) {
    FLYT_ASSIGN(placement.on.vmid, free_vmid(context, machines, from, call));
    FLYT_ASSIGN(const Params params, create_params(spec, placement.on));
    FLYT_TRY(proceed(call, what));
    auto begun = context.api.request(Method::post, path, params, what, call);
    if (!begun) {
      // Somebody took the number in the meantime.
      if (begun.error().code != Errc::exists) return begun.error();
      from = static_cast<unsigned>(std::stoul(placement.on.vmid)) + 1;
      continue;
    }
    FLYT_ASSIGN(const std::string upid, parse_text(*begun, what));
    Status ended = wait_for_task(context.api, upid, what, call);
    if (!ended) {
      // Its disks are gone again: the task takes away what it made.
      if (ended.error().code != Errc::cancelled && ended.error().code != Errc::timed_out &&
          ended.error().state.empty()) {
        ended.error().state = "nothing was made";
      }
      return std::move(ended).error();
    }
    const MachineHere here{.vmid = placement.on.vmid, .node = placement.node};
    FLYT_TRY(keep_generation(context, here, spec, call));
    FLYT_ASSIGN(MachineFacts made, read_machine(context, here, call));
    return std::move(made.config.machine);
  }
}

// Those that are to be larger than they are; whether there was one. Never makes one smaller.
Result<bool> grow_disks(Context& context, const MachineFacts& facts, const MachineSpec& spec,
                        const Call& call) {
  const std::vector<Disk>& disks = facts.config.machine.disks;
  bool any = false;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const std::uint64_t wanted = spec.disks[i].size_bytes;
    if (fits(disks[i], spec.disks[i])) continue;
    const std::string what = fmt::format("enlarging {} to {}", disks[i].id, format_size(wanted));
    // What an older flyt process serves would keep the size that it was opened with.
    if (!any) FLYT_TRY(fence(context, facts, spec.owner, call));
    any = true;
    FLYT_TRY(proceed(call, what));
    FLYT_TRY(
        do_task(context.api, Method::put, qemu_path(facts.here) + "/resize",
                {{"disk", disks[i].id}, {"size", fmt::format("{}K", (wanted + kib - 1) / kib)}},
                what, call));
  }
  return any;
}

}  // namespace

Result<Machine> create(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_TRY(check_spec(spec));
  const std::lock_guard lock(context.making);
  FLYT_ASSIGN(const Cluster cluster, read_cluster(context.api, context.settings.node, call));
  for (const NodeFacts& node : cluster.nodes) {
    // An answer to a creation can be lost while the work goes on; its machine has no tag until it
    // is done. Whoever comes next waits for it.
    if (!node.online) continue;
    FLYT_TRY(wait_for_own(context.api, node.name, "qmcreate", "",
                          "looking for machines that are being made", call));
  }
  FLYT_ASSIGN(auto made, find_made(context, spec.owner.id, call));
  if (made) {
    FLYT_TRY(check_staged(context, *made, spec.owner));
    FLYT_TRY(check_as_asked(made->config.machine, spec, fits));
    return std::move(made->config.machine);
  }
  FLYT_ASSIGN(std::vector<MachineHere> machines, list_machines(context.api, call));
  FLYT_TRY(add_states(context.api, machines, call));
  FLYT_TRY(check_name(machines, spec, ""));
  // It would be unplugged, and a clash only be told once all is copied.
  Status alone = check_macs(context, cluster, machines, spec, "", call);
  if (!alone) {
    if (alone.error().code == Errc::exists) alone.error().state = "nothing was made";
    return std::move(alone).error();
  }
  FLYT_ASSIGN(Placement placement, place(cluster, context.settings, spec));
  FLYT_TRY(begin_staging(context, cluster, placement, spec, call));
  return make(context, spec, placement, machines, call);
}

Result<Machine> update(Context& context, const std::string& id, const MachineSpec& spec,
                       const Call& call) {
  FLYT_ASSIGN(MachineFacts facts, read_by_id(context, id, call));
  FLYT_TRY(check_spec(spec));
  const Machine& machine = facts.config.machine;
  FLYT_TRY(check_ours(machine, spec.owner));
  if (machine.power != Power::off) return not_off(machine);
  // What is staged has the size that it was made with.
  FLYT_TRY(
      check_same_disks(machine, spec, context.settings.way == Way::api ? fits : fits_or_grows));
  FLYT_ASSIGN(std::vector<MachineHere> machines, list_machines(context.api, call));
  FLYT_TRY(add_states(context.api, machines, call));
  FLYT_TRY(check_name(machines, spec, id));
  FLYT_ASSIGN(const Cluster cluster, read_cluster(context.api, facts.here.node, call));
  if (spec.plugged) FLYT_TRY(check_macs(context, cluster, machines, spec, id, call));
  Settings there = context.settings;
  there.node = facts.here.node;
  MachineSpec shape = spec;
  shape.disks.clear();  // they are there, and need no room
  FLYT_ASSIGN(Placement placement, place(cluster, there, shape));
  FLYT_ASSIGN(const bool grown, grow_disks(context, facts, spec, call));
  const bool another = facts.config.machine.generation_id != spec.generation_id;
  if (another) FLYT_TRY(keep_generation(context, facts.here, spec, call));
  // With another digest.
  if (grown || another) {
    FLYT_ASSIGN(facts, read_machine(context, facts.here, call));
  }
  FLYT_ASSIGN(const Params params,
              update_params(spec, placement.on, facts.config.row, facts.config.disks));
  const std::string what = fmt::format("changing {}", machine.name);
  FLYT_TRY(proceed(call, what));
  FLYT_TRY(
      do_task(context.api, Method::post, qemu_path(facts.here) + "/config", params, what, call));
  FLYT_ASSIGN(MachineFacts changed, read_machine(context, facts.here, call));
  return std::move(changed.config.machine);
}

Status destroy(Context& context, const std::string& id, const Owner& owner, const Call& call) {
  auto facts = read_by_id(context, id, call);
  if (!facts && facts.error().code == Errc::not_found) {
    return remove_staged(context, {}, owner, call);
  }
  if (!facts) return facts.error();
  const Machine& machine = facts->config.machine;
  FLYT_TRY(check_ours(machine, owner));
  const std::string what = fmt::format("removing {}", machine.name);
  FLYT_TRY(leave(context, facts->here, call));
  if (machine.power != Power::off) {
    FLYT_TRY(set_power(context, id, Driver::PowerChange::forced_off, call));
  }
  FLYT_TRY(fence(context, *facts, owner, call));
  if (context.settings.way == Way::api) {
    FLYT_TRY(wait_for_own(context.api, facts->here.node, "imgcopy", "", what, call));
    FLYT_TRY(wait_for_own(context.api, facts->here.node, "qmconfig", id, what, call));
  }
  FLYT_TRY(proceed(call, what));
  Status gone = do_task(context.api, Method::remove, qemu_path(facts->here),
                        {{"purge", "1"}, {"destroy-unreferenced-disks", "0"}}, what, call);
  if (!gone && gone.error().code != Errc::not_found) return gone;
  context.consoles.forget(id);
  context.opened.forget(owner.id);
  return remove_staged(context, facts->here.node, owner, call);
}

Result<Machine> make_template(Context& context, const std::string& id, const MachineSpec& spec,
                              const Call& call) {
  FLYT_ASSIGN(MachineFacts facts, read_by_id(context, id, call));
  const Machine& machine = facts.config.machine;
  FLYT_TRY(check_ours(machine, spec.owner));
  const std::string what = fmt::format("making a template of {}", machine.name);
  FLYT_TRY(wait_for_own(context.api, facts.here.node, "qmtemplate", id, what, call));
  if (!machine.is_template) {
    if (machine.power != Power::off) return not_off(machine);
    FLYT_TRY(fence(context, facts, spec.owner, call));
    FLYT_TRY(proceed(call, what));
    FLYT_TRY(
        do_task(context.api, Method::post, qemu_path(facts.here) + "/template", {}, what, call));
  }
  FLYT_ASSIGN(MachineFacts made, read_by_id(context, id, call));
  return std::move(made.config.machine);
}

}  // namespace flyt::proxmox
