#include "drivers/proxmox/bare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/bare_volume.hpp"
#include "base/units.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/inventory.hpp"
#include "drivers/proxmox/machines.hpp"
#include "drivers/proxmox/placement.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "drivers/proxmox/usage.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::proxmox {
namespace {

Status check_spec(const MachineSpec& spec) {
  if (migration_of(spec.owner.id) != spec.owner.id || spec.owner.id.empty()) {
    return Error{Errc::invalid, "a volume needs a migration id"};
  }
  if (spec.disks.size() == 1) return ok();
  return Error{Errc::invalid, fmt::format("{}: a volume is one disk", spec.name)};
}

// Of a disk by its storage, of a file by the node that sees its folder.
Result<bool> is_there(Context& context, const KeptFile& file, const Call& call) {
  if (!file.path.empty()) {
    FLYT_ASSIGN(const LandingHost host, landing_of(context, file.host, call));
    return context.kept.is_there(host, file, call);
  }
  FLYT_ASSIGN(const auto listed,
              list_volumes(context.api, file.host, BarePlace::parse(file.volume.id).storage(),
                           {{"content", "images"}}, call));
  const std::string volume = BarePlace::parse(file.volume.id).volume;
  return std::any_of(listed.begin(), listed.end(),
                     [&](const VolumeFacts& one) { return one.id == volume; });
}

KeptFiles::Looks looks(Context& context, const Call& call) {
  return [&context, &call](const KeptFile& file) { return is_there(context, file, call); };
}

// The node on which the storage has the most room.
Result<StorageFacts> storage_for(Context& context, const MachineSpec& spec, const Call& call) {
  const DiskSpec& disk = spec.disks.front();
  FLYT_ASSIGN(const Cluster cluster, read_cluster(context.api, context.settings.node, call));
  std::optional<StorageFacts> best;
  for (const StorageFacts& one : cluster.storages) {
    const auto kinds = kept_kinds(one, context.settings.way);
    const bool fits = one.active && one.id == disk.storage &&
                      std::find(kinds.begin(), kinds.end(), spec.bare) != kinds.end();
    if (!fits) continue;
    if (!best || one.free_bytes.value_or(0) > best->free_bytes.value_or(0)) best = one;
  }
  if (!best) {
    return Error{Errc::not_found,
                 fmt::format("no node has a storage {} that takes a {}", disk.storage, spec.bare),
                 "",
                 "",
                 "nothing was made",
                 {fmt::format("pvesm set {} --content ...", disk.storage)}};
  }
  if (best->free_bytes.value_or(UINT64_MAX) >= disk.size_bytes) return *std::move(best);
  return Error{Errc::unavailable,
               fmt::format("no space in {} on {}: {} are free, {} are needed", best->id, best->node,
                           format_size(*best->free_bytes), format_size(disk.size_bytes)),
               "", "", "nothing was made"};
}

std::string plain_name(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_') c = '-';
  }
  return name.substr(0, 40);  // LVM takes 127 characters in all
}

Volume wanted_volume(const StorageFacts& storage, const MachineSpec& spec,
                     const std::string& volume) {
  Volume wanted;
  wanted.id = storage.shared ? volume : storage.node + "/" + volume;
  wanted.name = volume.substr(volume.find_last_of(":/") + 1);
  wanted.storage = storage.id;
  wanted.kind = spec.bare;
  wanted.format = "raw";
  wanted.size_bytes = spec.disks.front().size_bytes;
  wanted.migration_id = spec.owner.id;
  return wanted;
}

// Every disk is a machine's by its name: of one that is not there, and that nobody will make soon,
// since he would get the disk. The migration's id stays in it, as nobody can rename a volume of a
// block storage.
Result<KeptFile> wanted_disk(Context& context, const StorageFacts& storage, const MachineSpec& spec,
                             const Call& call) {
  FLYT_ASSIGN(const std::string vmid, last_free_vmid(context, call));
  const bool qcow2 = storage.has_files() && spec.disks.front().format != "raw";
  const std::string name = fmt::format("vm-{}-{}-{}{}", vmid, plain_name(spec.name), spec.owner.id,
                                       qcow2                 ? ".qcow2"
                                       : storage.has_files() ? ".raw"
                                                             : "");
  const std::string folder = storage.has_files() ? vmid + "/" : "";
  KeptFile file{.owner = spec.owner, .host = storage.node, .volume = {}, .path = {}};
  file.volume = wanted_volume(storage, spec, fmt::format("{}:{}{}", storage.id, folder, name));
  file.volume.format = qcow2 ? "qcow2" : "raw";
  file.bytes = spec.disks.front().size_bytes;
  return file;
}

Result<KeptFile> wanted_file(Context& context, const StorageFacts& storage, const MachineSpec& spec,
                             const Call& call) {
  const std::string folder = spec.bare == "template" ? "vztmpl" : spec.bare;
  const std::string volume = fmt::format("{}:{}/{}", storage.id, folder, spec.name);
  FLYT_ASSIGN(const LandingHost host, landing_of(context, storage.node, call));
  FLYT_ASSIGN(Finished said, landing_run(host, {"pvesm", "path", volume}, call));
  while (said.output.ends_with('\n')) said.output.pop_back();
  if (said.status != 0 || !said.output.starts_with('/') ||
      said.output.substr(said.output.rfind('/') + 1) != spec.name) {
    return Error{Errc::invalid,
                 fmt::format("Proxmox VE takes no {} called \"{}\"", spec.bare, spec.name),
                 said.errors.empty() ? said.output : said.errors,
                 "images end with .iso or .img, templates of containers with .tar.gz, .tar.xz or "
                 ".tar.zst, backups are called as vzdump calls them",
                 "nothing was made",
                 {"rename it on the source"}};
  }
  KeptFile file{.owner = spec.owner, .host = storage.node, .volume = {}, .path = {}};
  file.volume = wanted_volume(storage, spec, volume);
  file.path = std::move(said.output);
  file.bytes = spec.disks.front().size_bytes;
  return file;
}

Status allocate(Context& context, const KeptFile& file, const Call& call) {
  FLYT_TRY(context.kept.keep(file));
  const BarePlace place = BarePlace::parse(file.volume.id);
  const std::string vmid = vmid_of_disk(file.volume.name);
  const auto made = context.api.request(Method::post, content_path(file.host, place.storage()),
                                        {{"vmid", vmid},
                                         {"filename", file.volume.name},
                                         {"size", fmt::format("{}", (file.bytes + kib - 1) / kib)},
                                         {"format", file.volume.format}},
                                        fmt::format("making {}", file.volume.id), call);
  return made ? ok() : Status(made.error());
}

// As open_at() takes it.
Disk disk_of(const Volume& volume) {
  Disk disk;
  disk.uuid = BarePlace::parse(volume.id).volume;
  disk.storage = volume.storage;
  disk.format = volume.format;
  return disk;
}

Result<std::unique_ptr<Channel>> open_disk_of(Context& context, const KeptFile& file, Use use,
                                              const Owner& owner, const Call& call) {
  FLYT_TRY(check_use(file, use, owner));
  LandingDisk landing{file.volume.name, {}, {}, use, owner};
  landing.shared = owner.id == file.owner.id && file.stamp.empty();
  return open_at(context, file.host, disk_of(file.volume), std::move(landing), call);
}

// "local:iso/debian.iso", and no disk.
bool is_file(const std::string& volume) {
  const std::string_view name = std::string_view(volume).substr(volume.find(':') + 1);
  return name.starts_with("iso/") || name.starts_with("vztmpl/") || name.starts_with("backup/");
}

struct Found {
  Volume volume;
  std::string node;
};

// One that flyt did not make.
Result<Found> volume_of_others(Context& context, const std::string& id, const Call& call) {
  const BarePlace place = BarePlace::parse(id);
  FLYT_ASSIGN(const Cluster cluster, read_cluster(context.api, place.node, call));
  FLYT_ASSIGN(const auto machines, list_machines(context.api, call));
  std::set<std::string> unused;
  for (const MachineHere& one : machines) {
    if (is_file(place.volume)) break;  // only disks can be unused
    const auto config = read_config_of(context.api, one, call);
    if (config) add_unused(config->row, unused);
  }
  Cluster only;
  std::copy_if(cluster.storages.begin(), cluster.storages.end(), std::back_inserter(only.storages),
               [&](const StorageFacts& one) { return one.id == place.storage(); });
  FLYT_ASSIGN(const BareVolumes listed, list_bare(context, only, machines, unused, call));
  for (const Volume& one : listed.volumes) {
    if (one.id == id) return Found{one, only.storages.front().node};
  }
  return Error{Errc::not_found, fmt::format("there is no volume {} without a machine", id)};
}

Result<std::string> stamp_of(Context& context, const Found& found, const Call& call) {
  if (!by_ssh(context.settings.way)) return std::string();
  const BarePlace place = BarePlace::parse(found.volume.id);
  FLYT_ASSIGN(const Row row,
              context.api.get_row(
                  content_path(found.node, place.storage()) + "/" + percent_encode(place.volume),
                  fmt::format("asking where {} lies", place.volume), call));
  FLYT_ASSIGN(const LandingHost host, landing_of(context, found.node, call));
  return file_stamp(host, row.text("path"), call);
}

}  // namespace

Result<Machine> create_bare(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_TRY(check_spec(spec));
  const std::lock_guard lock(context.making);
  FLYT_ASSIGN(const auto made, context.kept.live(spec.owner.id, looks(context, call)));
  if (made) {
    FLYT_TRY(check_as_asked(*made, spec));
    return stand_in(*made);
  }
  FLYT_ASSIGN(const StorageFacts storage, storage_for(context, spec, call));
  if (spec.bare == "disk") {
    FLYT_ASSIGN(const KeptFile file, wanted_disk(context, storage, spec, call));
    FLYT_TRY(proceed(call, "making a volume"));
    FLYT_TRY(allocate(context, file, call));
    return stand_in(file);
  }
  FLYT_ASSIGN(const KeptFile file, wanted_file(context, storage, spec, call));
  FLYT_ASSIGN(const LandingHost host, landing_of(context, storage.node, call));
  FLYT_TRY(proceed(call, "making a volume"));
  FLYT_TRY(context.kept.make(host, file, call));
  return stand_in(file);
}

Result<Machine> publish_bare(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_ASSIGN(auto made, context.kept.live(spec.owner.id, looks(context, call)));
  if (!made) {
    return Error{Errc::not_found, fmt::format("{}: this migration made no volume", spec.name)};
  }
  FLYT_TRY(check_as_asked(*made, spec));
  FLYT_TRY(proceed(call, "handing over a volume"));
  if (!made->path.empty()) {
    FLYT_ASSIGN(const LandingHost host, landing_of(context, made->host, call));
    FLYT_ASSIGN(const KeptFile file,
                context.kept.publish(host, *std::move(made), spec.owner, call));
    return stand_in(file);
  }
  if (made->stamp.empty()) {
    FLYT_ASSIGN(auto fence, open_disk_of(context, *made, Use::write, spec.owner, call));
    FLYT_TRY(fence->close(call));
    made->stamp = "handed over";
    FLYT_TRY(context.kept.keep(*made));
  }
  return stand_in(*made);
}

Status destroy_bare(Context& context, const std::string& id, const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const auto file, context.kept.find(owner.id));
  if (!file || bare_id(file->volume.id) != id) {
    const auto others = find_bare(context, id, call);
    if (!others && others.error().code == Errc::not_found) return ok();
    if (!others) return others.error();
    return check_ours(*others, {});
  }
  const BarePlace place = BarePlace::parse(file->volume.id);
  FLYT_TRY(check_unused(context.api, place.volume, call));
  if (!file->path.empty()) {
    FLYT_ASSIGN(const LandingHost host, landing_of(context, file->host, call));
    FLYT_TRY(proceed(call, "removing a volume"));
    FLYT_TRY(context.kept.remove(host, *file, owner, call));
    return context.kept.forget(owner.id);
  }
  FLYT_ASSIGN(const bool there, is_there(context, *file, call));
  if (there && file->stamp.empty()) {
    FLYT_ASSIGN(auto fence, open_disk_of(context, *file, Use::write, owner, call));
    FLYT_TRY(fence->close(call));
  }
  FLYT_TRY(remove_volume(context.api, file->host, place.storage(), place.volume,
                         fmt::format("removing {}", file->volume.id), call));
  return context.kept.forget(owner.id);
}

Result<std::unique_ptr<Channel>> open_bare(Context& context, const OpenSpec& spec,
                                           const Call& call) {
  if (!by_ssh(context.settings.way)) {
    return Error{Errc::unsupported,
                 fmt::format("{} cannot be opened", spec.disk),
                 "the API alone lets nobody read or write it",
                 "",
                 "",
                 {"landing = \"ssh\""}};
  }
  FLYT_ASSIGN(const auto kept, context.kept.live_as(spec.disk, looks(context, call)));
  if (kept && kept->path.empty()) {
    return open_disk_of(context, *kept, spec.use, spec.owner, call);
  }
  if (kept) {
    FLYT_ASSIGN(const LandingHost host, landing_of(context, kept->host, call));
    return context.kept.open(host, *kept, spec.use, spec.owner, call);
  }
  FLYT_ASSIGN(const Found found, volume_of_others(context, spec.disk, call));
  if (spec.use == Use::write) {
    return Error{Errc::denied, fmt::format("{} was not made by this migration", found.volume.name)};
  }
  LandingDisk landing{found.volume.name, {}, {}, spec.use, spec.owner};
  if (found.volume.kind != "disk") landing.format = "raw";
  return open_at(context, found.node, disk_of(found.volume), std::move(landing), call);
}

Result<Machine> find_bare(Context& context, const std::string& id, const Call& call) {
  const std::string volume = bare_volume_of(id).value_or(id);
  FLYT_ASSIGN(const auto kept, context.kept.live_as(volume, looks(context, call)));
  if (kept) return stand_in(*kept);
  FLYT_ASSIGN(const Found found, volume_of_others(context, volume, call));
  Machine machine = bare_machine(found.volume);
  FLYT_ASSIGN(machine.disks.front().stamp, stamp_of(context, found, call));
  return machine;
}

Result<std::optional<Machine>> made_bare(Context& context, const std::string& migration_id,
                                         const Call& call) {
  FLYT_ASSIGN(const auto kept, context.kept.live(migration_id, looks(context, call)));
  return kept ? std::optional(stand_in(*kept)) : std::nullopt;
}

}  // namespace flyt::proxmox
