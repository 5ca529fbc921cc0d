#include "drivers/proxmox/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/uri.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "drivers/proxmox/tasks.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view somebody = "?";  // in place of an id: flyt did not take it
constexpr std::string_view mark =
    "Taken by flyt for migration ";  // in the description, then its id

std::string snapshots_path(const MachineHere& here) { return qemu_path(here) + "/snapshot"; }

struct Snapshot {
  std::string taken, owner;
};

// Nothing: there is none of this name.
Result<std::optional<Snapshot>> find_snapshot(Api& api, const MachineHere& here,
                                              const std::string& name, const Call& call) {
  const std::string what = fmt::format("listing the snapshots of {}", here.vmid);
  FLYT_ASSIGN(const std::vector<Row> rows, api.get_rows(snapshots_path(here), what, call));
  for (const Row& row : rows) {
    if (row.text("name") != name) continue;
    const std::string note = row.text("description");
    std::string owner = note.starts_with(mark) ? note.substr(mark.size()) : std::string(somebody);
    owner.resize(std::min(owner.size(), owner.find_first_of(" \n.")));
    return std::optional<Snapshot>({row.text("snaptime"), std::move(owner)});
  }
  return std::optional<Snapshot>();
}

// The machine's disks, and what its firmware keeps, which a snapshot holds as well.
std::vector<Disk> all_disks(const MachineFacts& facts) {
  std::vector<Disk> disks = facts.config.machine.disks;
  for (const char* key : {"efidisk0", "tpmstate0"}) {
    const PropertyString drive(facts.config.row.text(key), "file");
    const VolumeId volume = VolumeId::parse(drive.get("file"));
    if (volume.storage.empty()) continue;
    Disk& disk = disks.emplace_back();
    disk.id = key;
    disk.storage = volume.storage;
    disk.format = volume.format();
  }
  return disks;
}

// Of the storage that each disk lies on, as the machine's node knows it.
Result<std::string> obstacle(Context& context, const MachineFacts& facts, const Call& call) {
  const std::string what = fmt::format("listing the storages of {}", facts.here.node);
  FLYT_ASSIGN(const std::vector<Row> rows,
              context.api.get_rows(node_path(facts.here.node) + "/storage", what, call));
  for (const Disk& disk : all_disks(facts)) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
      return row.text("storage") == disk.storage;
    });
    const std::string type = found == rows.end() ? std::string() : found->text("type");
    if (std::string why = no_snapshot(disk, type); !why.empty()) return why;
  }
  return std::string();
}

View view_of(const MachineFacts& facts, const ViewSpec& spec, const std::string& why) {
  View view;
  view.machine = spec.machine;
  view.name = spec.name;
  // Whether the guest agent has frozen file systems is told nowhere.
  view.got = facts.config.machine.power == Power::off ? Consistency::off : Consistency::crash;
  for (const Disk& disk : facts.config.machine.disks) {
    view.disks.push_back({.disk = disk.id, .change_id = {}, .left_out = why});
  }
  return view;
}

}  // namespace

Result<std::optional<std::string>> owner_of_view(Api& api, const MachineHere& here,
                                                 const std::string& name, const Call& call) {
  FLYT_ASSIGN(const auto snapshot, find_snapshot(api, here, name, call));
  return snapshot ? std::optional<std::string>(snapshot->owner) : std::optional<std::string>();
}

std::string no_snapshot(const Disk& disk, std::string_view type) {
  constexpr std::array<std::string_view, 4> always{"lvmthin", "zfspool", "rbd", "btrfs"};
  if (disk.format == "qcow2") return {};
  if (std::find(always.begin(), always.end(), type) != always.end()) return {};
  return fmt::format("{} is {} on {}{}{}: no snapshot of the machine can be taken", disk.id,
                     disk.format.empty() ? "raw" : disk.format, disk.storage,
                     type.empty() ? "" : ", a storage of the kind ", type);
}

Result<View> make_view(Context& context, const ViewSpec& spec, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, spec.machine, call));
  FLYT_ASSIGN(const MachineFacts facts, read_machine(context, here, call));
  if (spec.at_least == Consistency::quiesced) {
    return Error{Errc::unsupported, "Proxmox VE does not say whether a guest was quiesced"};
  }
  FLYT_ASSIGN(const std::string why, obstacle(context, facts, call));
  View view = view_of(facts, spec, why);
  if (!why.empty()) return view;
  FLYT_ASSIGN(auto snapshot, find_snapshot(context.api, here, spec.name, call));
  if (!snapshot) {
    const std::string what = fmt::format("taking the snapshot {} of {}", spec.name, here.vmid);
    FLYT_TRY(proceed(call, what));
    const std::string note = fmt::format("{}{}. It is removed again.", mark, spec.owner.id);
    FLYT_TRY(do_task(context.api, Method::post, snapshots_path(here),
                     {{"snapname", spec.name}, {"description", note}, {"vmstate", "0"}}, what,
                     call));
    FLYT_ASSIGN(snapshot, find_snapshot(context.api, here, spec.name, call));
    if (!snapshot) {
      return Error{Errc::internal, what, "the task was a success, and the snapshot is not there"};
    }
  }
  if (snapshot->owner != spec.owner.id) {
    return Error{Errc::exists,
                 fmt::format("{} has a snapshot {} of somebody else", here.vmid, spec.name),
                 fmt::format("of migration {}", snapshot->owner),
                 "the machine is moved twice at once, or somebody has chosen this name",
                 "it was not touched",
                 {fmt::format("qm listsnapshot {}", here.vmid)}};
  }
  view.identity = fmt::format("{} of {}", spec.name, snapshot->taken);
  return view;
}

Status drop_view(Context& context, const ViewSpec& spec, const Call& call) {
  auto here = find_machine(context.api, spec.machine, call);
  if (!here) return here.error().code == Errc::not_found ? ok() : Status(here.error());
  FLYT_ASSIGN(const auto snapshot, find_snapshot(context.api, *here, spec.name, call));
  if (!snapshot) return ok();
  if (snapshot->owner != spec.owner.id) {
    return Error{
        Errc::denied,
        fmt::format("the snapshot {} of {} was not taken by this migration", spec.name, here->vmid),
        "", "", "it was not touched"};
  }
  const std::string what = fmt::format("removing the snapshot {} of {}", spec.name, here->vmid);
  FLYT_TRY(proceed(call, what));
  return do_task(context.api, Method::remove,
                 fmt::format("{}/{}", snapshots_path(*here), percent_encode(spec.name)), {}, what,
                 call);
}

}  // namespace flyt::proxmox
