#include "drivers/memory/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/durable_file.hpp"
#include "base/identity.hpp"
#include "base/uri.hpp"
#include "drivers/memory/disk_file.hpp"

namespace flyt::memory {
namespace {

Status remove_folder(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) return system_error(fmt::format("removing {}", path.native()), failed.value());
  return ok();
}

Status readable(const Machine& machine) {
  if (machine.unreadable.empty()) return ok();
  return Error{Errc::denied, fmt::format("{} cannot be read", machine.name), machine.unreadable};
}

Result<Consistency> consistency_of(const Machine& machine, const Inside& inside,
                                   Consistency at_least) {
  if (machine.power == Power::off) return Consistency::off;
  if (at_least == Consistency::off) {
    Error error{Errc::denied, fmt::format("{} is not off", machine.name)};
    error.remedy.emplace_back("switch the machine off first");
    return error;
  }
  if (at_least != Consistency::quiesced) return Consistency::crash;
  if (inside.agent) return Consistency::quiesced;
  return Error{Errc::unsupported,
               fmt::format("{} cannot be quiesced: its guest agent does not answer", machine.name)};
}

// A view's copy is never written again, so that a second name for it is as good as a second copy.
Status keep_for_tracking(const std::filesystem::path& copy, const std::filesystem::path& kept) {
  std::error_code failed;
  std::filesystem::create_directories(kept.parent_path(), failed);
  if (!failed) std::filesystem::remove(kept, failed);
  if (!failed) std::filesystem::create_hard_link(copy, kept, failed);
  if (failed) return system_error(fmt::format("keeping {}", kept.native()), failed.value());
  return ok();
}

Status copy_disks(const WorldFolder& folder, const World& world, const Machine& machine,
                  const View& view) {
  const std::filesystem::path copies = folder.view(machine.id, view.name);
  FLYT_TRY(remove_folder(copies));  // of an attempt that was not recorded
  for (std::size_t i = 0; i < machine.disks.size(); ++i) {
    if (!view.disks[i].left_out.empty()) continue;
    const Disk& disk = machine.disks[i];
    FLYT_ASSIGN(const auto file, disk_file(folder, world, machine, disk));
    const std::filesystem::path copy = file_in(copies, disk.id);
    FLYT_TRY(copy_disk_file(file, copy));
    if (const std::string& change_id = view.disks[i].change_id; !change_id.empty()) {
      FLYT_TRY(keep_for_tracking(copy, file_in(folder.change(machine.id, change_id), disk.id)));
    }
  }
  return ok();
}

}  // namespace

std::filesystem::path file_in(const std::filesystem::path& copies, const std::string& disk) {
  return copies / ("_" + percent_encode(disk) + ".raw");
}

Result<std::filesystem::path> disk_file(const WorldFolder& folder, const World& world,
                                        const Machine& machine, const Disk& disk) {
  std::filesystem::path file = folder.disk(machine.id, disk.id);
  std::optional<std::uint64_t> seed;
  if (const auto inside = world.inside.find(machine.id); inside != world.inside.end()) {
    const auto found = inside->second.seeds.find(disk.id);
    if (found != inside->second.seeds.end()) seed = found->second;
  }
  FLYT_TRY(within(machine.name, make_disk_file(file, disk.size_bytes, seed)));
  return file;
}

std::string left_out_of_views(const Inside& inside, const Disk& disk) {
  const auto& all = inside.independent;
  const bool independent = std::find(all.begin(), all.end(), disk.id) != all.end();
  return independent ? "it is independent of snapshots" : "";
}

Status set_tracking(const WorldFolder& folder, LockedWorld& locked, const std::string& machine,
                    bool on) {
  FLYT_TRY(find_machine(locked.world, machine));
  Inside& inside = locked.world.inside[machine];
  if (inside.tracking == on) return ok();
  inside.tracking = on;
  FLYT_TRY(locked.save());
  return on ? ok() : remove_folder(folder.changes(machine));
}

Result<View> make_view(const WorldFolder& folder, LockedWorld& locked, const ViewSpec& spec) {
  if (spec.name.empty()) return Error{Errc::invalid, "a view needs a name"};
  FLYT_ASSIGN(const Machine* machine, find_machine(locked.world, spec.machine));
  FLYT_TRY(readable(*machine));
  Inside& inside = locked.world.inside[spec.machine];
  for (const HeldView& held : inside.views) {
    if (held.view.name != spec.name) continue;
    if (held.owner == spec.owner.id) return held.view;
    return Error{Errc::exists,
                 fmt::format("{} has a view {} of somebody else", machine->name, spec.name)};
  }
  View view{spec.machine, spec.name};
  view.identity = random_uuid();
  FLYT_ASSIGN(view.got, consistency_of(*machine, inside, spec.at_least));
  std::string change_id;
  if (inside.tracking) change_id = fmt::format("change-{}", ++inside.changes);
  for (const Disk& disk : machine->disks) {
    std::string left_out = disk.left_out.empty() ? left_out_of_views(inside, disk) : disk.left_out;
    view.disks.push_back({disk.id, left_out.empty() ? change_id : "", std::move(left_out)});
  }
  FLYT_TRY(within(machine->name, copy_disks(folder, locked.world, *machine, view)));
  inside.views.push_back({view, spec.owner.id});
  FLYT_TRY(locked.save());
  return view;
}

Status drop_view(const WorldFolder& folder, LockedWorld& locked, const ViewSpec& spec) {
  if (locked.world.machine(spec.machine) == nullptr) return ok();
  std::vector<HeldView>& views = locked.world.inside[spec.machine].views;
  const auto held = std::find_if(views.begin(), views.end(),
                                 [&](const HeldView& one) { return one.view.name == spec.name; });
  if (held == views.end()) return ok();
  if (held->owner != spec.owner.id) {
    return Error{Errc::denied, fmt::format("{}: the view {} was not made by this migration",
                                           spec.machine, spec.name)};
  }
  views.erase(held);
  FLYT_TRY(locked.save());
  return remove_folder(folder.view(spec.machine, spec.name));
}

}  // namespace flyt::memory
