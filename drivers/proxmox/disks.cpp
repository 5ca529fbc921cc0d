// Disks are reached on the node that has their machine: the landing host that lies there anyway.
#include <fmt/format.h>

#include <algorithm>

#include "base/uri.hpp"
#include "drivers/proxmox/land.hpp"
#include "drivers/proxmox/machines.hpp"
#include "drivers/proxmox/thin.hpp"
#include "drivers/proxmox/views.hpp"
#include "drivers/shared/landing.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::proxmox {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// What the node's own library says, which knows every kind of storage: it switches a volume on that
// its storage had switched off, and tells where it, or a snapshot of it, is seen.
constexpr std::string_view seen_at =
    "use PVE::Storage; my ($volume, $snapshot) = @ARGV; $snapshot = undef if !length($snapshot); "
    "my $config = PVE::Storage::config(); "
    "PVE::Storage::activate_volumes($config, [$volume], $snapshot); "
    "print scalar(PVE::Storage::path($config, $volume, $snapshot));";

Result<std::string> switched_on(const LandingHost& host, const std::string& volume,
                                const std::string& snapshot, const Call& call) {
  FLYT_ASSIGN(const Finished done,
              landing_run(host, {"perl", "-e", std::string(seen_at), volume, snapshot}, call));
  if (done.status == 0) return done.output;
  return Error{Errc::unavailable, fmt::format("{} cannot be switched on", volume), done.errors};
}

struct VolumePlace {
  std::string path, format;
  std::uint64_t size_bytes = 0;
};

Result<VolumePlace> place_of(Api& api, const std::string& node, const Disk& disk,
                             const Call& call) {
  const std::string what = fmt::format("asking where {} lies", disk.uuid);
  FLYT_ASSIGN(
      const Row row,
      api.get_row(content_path(node, disk.storage) + "/" + percent_encode(disk.uuid), what, call));
  VolumePlace place{row.text("path"), row.text("format"), row.number("size").value_or(0)};
  if (!place.path.starts_with('/')) {
    return Error{Errc::unsupported,
                 fmt::format("{} is seen by no path on {}", disk.uuid, node),
                 place.path,
                 "the storage is read by a library of QEMU: Ceph without the kernel's driver",
                 "",
                 {"set krbd on the storage: pvesm set STORAGE --krbd 1"}};
  }
  return place;
}

// Whether what is not written reads as zero, and how that is seen. An image file has a map of what
// it holds; of block devices only a thin volume of LVM tells it to the block. What ZFS and Ceph say
// of used space is too coarse, and a thick volume has what was there before.
Status expect_emptiness(Api& api, const std::string& node, const Disk& disk, LandingDisk& landing,
                        const Call& call) {
  landing.reads_zero = !landing.path.starts_with("/dev/");
  if (landing.reads_zero || landing.use == Use::read) return ok();
  const std::string what = fmt::format("asking what kind of storage {} is", disk.storage);
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows(node_path(node) + "/storage", what, call, {{"storage", disk.storage}}));
  landing.reads_zero = rows.size() == 1 && rows.front().text("type") == "lvmthin";
  landing.empty_test = &thin_test;
  return ok();
}

Result<bool> is_of_cluster(Api& api, const std::string& node, const Call& call) {
  FLYT_ASSIGN(const std::vector<Row> rows, api.get_rows("/nodes", "listing the nodes", call));
  return std::any_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.text("node") == node; });
}

// What an older flyt process has open on a node that had the machine before: nothing of it is seen
// from where the machine is now, and on a shared storage it would write beside us.
Status fence_on(Context& context, const std::string& machine, const std::string& node,
                const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const bool there, is_of_cluster(context.api, node, call));
  if (!there) return ok();  // such a node shares nothing any more
  const std::string what = fmt::format("{}: its disks were open on {}", machine, node);
  auto host = landing_of(context, node, call);
  Status fenced = host ? landing_fence(*host, what, owner, call) : Status(host.error());
  if (fenced || fenced.error().code == Errc::cancelled || fenced.error().code == Errc::denied) {
    return fenced;
  }
  Error error = std::move(fenced).error().within(what);
  error.why = "what an older flyt process has open there may still write to a shared storage";
  error.state = "nothing was opened";
  error.remedy.push_back(
      fmt::format("see that {} is reached by ssh, then repeat the command", node));
  error.remedy.push_back(
      fmt::format("or, once it is off for certain: rm {}", context.opened.file(owner.id).native()));
  return error;
}

Result<std::unique_ptr<Channel>> open_volume(Context& context, const MachineFacts& facts,
                                             std::size_t index, const OpenSpec& spec,
                                             const Call& call) {
  const Machine& machine = facts.config.machine;
  const Disk& disk = machine.disks[index];
  if (context.settings.way == Way::api) {
    return context.staging.open(staged_disk(machine, index, spec.owner), spec.use, call);
  }
  const bool ours = !spec.owner.id.empty() && machine.migration_id == spec.owner.id;
  if (ours) {
    FLYT_TRY(context.opened.on(spec.owner.id, facts.here.node, [&](const std::string& node) {
      return fence_on(context, machine.name, node, spec.owner, call);
    }));
  }
  LandingDisk landing{
      fmt::format("{}: {}", machine.name, disk.label), {}, {}, spec.use, spec.owner};
  landing.shared = ours;
  landing.snapshot = spec.view;
  return open_at(context, facts.here.node, disk, std::move(landing), call);
}

Status check_view(Context& context, const MachineHere& here, const OpenSpec& spec,
                  const Call& call) {
  if (spec.use == Use::write) return Error{Errc::invalid, "a view is never written to"};
  FLYT_ASSIGN(const auto owner, owner_of_view(context.api, here, spec.view, call));
  if (owner && *owner == spec.owner.id) return ok();
  if (owner) {
    return Error{Errc::denied, fmt::format("the snapshot {} of {} was not taken by this migration",
                                           spec.view, here.vmid)};
  }
  return Error{Errc::not_found, fmt::format("{} has no snapshot {}", here.vmid, spec.view)};
}

Result<LandingHost> reach(Context& context, const std::string& node, const Call& call) {
  const Settings& settings = context.settings;
  if (settings.way == Way::none) {
    return Error{Errc::unsupported,
                 "the endpoint says no way to the disks",
                 "",
                 "the API alone moves no disk that has to be read back",
                 "",
                 {"landing = \"ssh\" in the endpoint's table, and a key of root on the nodes"}};
  }
  std::string destination = replaced(settings.ssh, "{node}", node);
  if (destination.find("{address}") != std::string::npos) {
    FLYT_ASSIGN(const std::string address, address_of(context.api, node, call));
    destination = replaced(destination, "{address}", address);
  }
  FLYT_ASSIGN(Ssh ssh, within("ssh", ssh_from(destination)));
  ssh.config = settings.ssh_config;
  return ssh_landing(std::move(ssh), settings.way == Way::ssh_sudo);
}

}  // namespace

Result<std::unique_ptr<Channel>> open_at(Context& context, const std::string& node,
                                         const Disk& disk, LandingDisk landing, const Call& call) {
  FLYT_ASSIGN(const LandingHost host, landing_of(context, node, call));
  FLYT_ASSIGN(const VolumePlace place, place_of(context.api, node, disk, call));
  landing.path = place.path;
  if (landing.format.empty()) landing.format = place.format.empty() ? disk.format : place.format;
  FLYT_TRY(expect_emptiness(context.api, node, disk, landing, call));
  landing.size_bytes = place.size_bytes;
  const std::string view = landing.snapshot;
  if (!view.empty()) {
    landing.shared = true;
    if (landing.format != "qcow2") {
      landing.snapshot.clear();
      FLYT_ASSIGN(landing.path, switched_on(host, disk.uuid, view, call));
    }
    return open_landing(host, landing, call);
  }
  auto channel = open_landing(host, landing, call);
  if (channel || channel.error().code != Errc::not_found) return channel;
  FLYT_ASSIGN(landing.path, switched_on(host, disk.uuid, {}, call));
  return open_landing(host, landing, call);
}

Result<LandingHost> landing_of(Context& context, const std::string& node, const Call& call) {
  {
    const std::lock_guard lock(context.reaching);
    const auto known = context.hosts.find(node);
    if (known != context.hosts.end()) return known->second;
  }
  FLYT_ASSIGN(LandingHost host, reach(context, node, call));
  const std::lock_guard lock(context.reaching);
  return context.hosts.emplace(node, std::move(host)).first->second;
}

Status fence(Context& context, const MachineFacts& facts, const Owner& owner, const Call& call) {
  if (context.settings.way == Way::none) return ok();
  for (std::size_t i = 0; i < facts.config.machine.disks.size(); ++i) {
    const OpenSpec spec{.machine = facts.here.vmid,
                        .disk = facts.config.machine.disks[i].id,
                        .use = Use::write,
                        .owner = owner};
    auto channel = open_volume(context, facts, i, spec, call);
    if (!channel && channel.error().code == Errc::not_found) continue;
    if (!channel) return channel.error();
    FLYT_TRY((*channel)->close(call));
  }
  return ok();
}

Result<std::unique_ptr<Channel>> open_disk(Context& context, const OpenSpec& spec,
                                           const Call& call) {
  if (!spec.since.empty()) {
    return Error{Errc::unsupported, "Proxmox VE tells nobody what has changed on a disk"};
  }
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, spec.machine, call));
  FLYT_ASSIGN(const MachineFacts facts, read_machine(context, here, call));
  const Machine& machine = facts.config.machine;
  const auto found = std::find_if(machine.disks.begin(), machine.disks.end(),
                                  [&](const Disk& disk) { return disk.id == spec.disk; });
  if (found == machine.disks.end()) {
    return Error{Errc::not_found, fmt::format("{} has no disk {}", machine.name, spec.disk)};
  }
  if (spec.use == Use::write) FLYT_TRY(check_ours(machine, spec.owner));
  if (!spec.view.empty()) {
    FLYT_TRY(check_view(context, here, spec, call));
  } else if (machine.power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine.name), "", "",
                 "",           {fmt::format("qm shutdown {}", machine.id)}};
  }
  if (!found->left_out.empty()) {
    return Error{Errc::unsupported,
                 fmt::format("{}: {} cannot be read", machine.name, found->label), found->left_out};
  }
  return open_volume(context, facts, static_cast<std::size_t>(found - machine.disks.begin()), spec,
                     call);
}

}  // namespace flyt::proxmox
