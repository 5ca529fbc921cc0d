#include "drivers/proxmox/land.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "drivers/proxmox/upload_rights.hpp"
#include "drivers/shared/file_lock.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::proxmox {
namespace {

constexpr const char* unread =
    "Proxmox VE's own conversion of the upload (qemu-img) cannot be read by the API";

std::string import_volume(const std::string& storage, const std::string& file) {
  return fmt::format("{}:import/{}", storage, file);
}

// "9000/vm-9000-disk-1.qcow2" or "vm-9000-disk-1".
bool is_volume_of(const VolumeId& volume, const std::string& vmid) {
  const auto slash = volume.name.rfind('/');
  const std::string file = slash == std::string::npos ? volume.name : volume.name.substr(slash + 1);
  return file.starts_with(fmt::format("vm-{}-disk-", vmid));
}

// One disk on its way. What it has left on the server stands in the record of the staged disk
// before it is left there:
//   volume     what the slot holds: made with the machine, or imported later
//   importing  the volume that the slot held when an import was asked for
//   of         the stamp of the image that is imported
//   replaced   the volume that an import has put out of the slot, still there as an unused one
//   store      the storage that holds the upload, or a part of it
//   uploaded   the digest of the upload there, which is whole
//   sha256, sent  of what was imported last
class DiskLanding {
 public:
  DiskLanding(Context& context, MachineFacts& facts, std::size_t index, const LandSpec& spec,
              const Call& call)
      : context_(context),
        facts_(facts),
        index_(index),
        spec_(spec),
        call_(call),
        disk_(staged_disk(facts.config.machine, index, spec.owner)) {}

  // Nobody writes to it any more, and what an earlier call has begun is over.
  Status begin() {
    FLYT_ASSIGN(state_, context_.staging.state(disk_));
    if (!state_.made) return ok();
    FLYT_ASSIGN(image_, context_.staging.seal(disk_, call_));
    if (state_.notes.contains("importing")) FLYT_TRY(end_import());
    return check_volume();
  }

  std::uint64_t bytes() const { return image_.file_bytes; }

  Result<LandedDisk> finish() {
    // The machine is read again on the way.
    const std::string id = facts_.config.machine.disks[index_].id;
    // As empty as the volume that was made for it.
    if (!state_.made) return LandedDisk{id, slot_volume(), 0, {}, "nothing was written to it"};
    if (!landed()) {
      FLYT_TRY(send());
    } else {
      advance(image_.file_bytes);
    }
    FLYT_TRY(tidy());
    std::uint64_t sent = 0;
    if (const auto size = parse_size(state_.note("sent"))) sent = *size;
    return LandedDisk{id, state_.note("volume"), sent, state_.note("sha256"), unread};
  }

 private:
  const std::string& slot() const { return facts_.config.disks[index_].key; }
  std::string slot_volume() const { return facts_.config.disks[index_].volume.text(); }
  const std::string& node() const { return facts_.here.node; }
  std::string file() const {
    return fmt::format("{}-{}.qcow2", facts_.config.machine.migration_id, index_);
  }
  bool landed() const {
    return state_.landed && state_.stamp == image_.stamp && state_.note("volume") == slot_volume();
  }
  void advance(std::uint64_t count) const {
    if (spec_.progress != nullptr) spec_.progress->advance(count);
  }
  void tell(const std::string& text) const {
    if (spec_.progress != nullptr) spec_.progress->note(text);
  }
  Status keep() { return context_.staging.keep(disk_, state_); }
  Status note(const std::string& key, std::string value) {
    state_.notes[key] = std::move(value);
    return keep();
  }

  Status read_again() {
    FLYT_ASSIGN(facts_, read_machine(context_, facts_.here, call_));
    if (facts_.config.disks.size() > index_) return ok();
    return Error{Errc::unavailable, fmt::format("{} is gone", disk_.what)};
  }

  // What is put out of its slot is removed afterwards: never what somebody else has put there.
  Status check_volume() const {
    if (state_.note("volume") == slot_volume()) return ok();
    return Error{
        Errc::denied,
        fmt::format("{}: another volume is in its place", disk_.what),
        fmt::format("{} is {}, and flyt has made {}", slot(), slot_volume(), state_.note("volume")),
        "somebody has changed the machine",
        "nothing was sent, and no volume was touched",
        {fmt::format("qm set {} --{} {}", facts_.here.vmid, slot(), state_.note("volume")),
         "or begin anew: flyt undo MACHINE --target"}};
  }

  // Whether the import that was asked for has come about, here or in an earlier process.
  Status end_import() {
    const std::string what = fmt::format("{}: waiting for its import", disk_.what);
    FLYT_TRY(wait_for_own(context_.api, node(), "qmconfig", facts_.here.vmid, what, call_));
    FLYT_TRY(read_again());
    const std::string before = state_.note("importing");
    state_.notes.erase("importing");
    if (slot_volume() == before) return keep();
    const VolumeId& now = facts_.config.disks[index_].volume;
    if (now.storage != VolumeId::parse(before).storage || !is_volume_of(now, facts_.here.vmid)) {
      return keep();  // check_volume() tells
    }
    state_.notes["volume"] = slot_volume();
    state_.notes["replaced"] = before;
    const std::uint64_t size = facts_.config.machine.disks[index_].size_bytes;
    state_.landed = size >= disk_.size_bytes && state_.note("of") == image_.stamp;
    state_.stamp = image_.stamp;
    FLYT_TRY(keep());
    if (size >= disk_.size_bytes) return ok();
    return Error{Errc::corrupt, fmt::format("{}: it was imported with another size", disk_.what),
                 fmt::format("{} bytes, not {}", size, disk_.size_bytes)};
  }

  Status send() {
    // One image at a time is on the storage that takes uploads.
    FLYT_ASSIGN(const auto gate, context_.staging.gate());
    FLYT_ASSIGN(const FileLock turn, FileLock::take(gate, call_));
    tell(fmt::format("{}: computing its SHA-256", slot()));
    FLYT_ASSIGN(const std::string sha256, sha256_of(image_, call_));
    FLYT_TRY(upload(sha256));
    FLYT_TRY(import());
    state_.notes["sha256"] = sha256;
    state_.notes["sent"] = std::to_string(image_.file_bytes);
    FLYT_TRY(keep());
    return tidy();
  }

  Status upload(const std::string& sha256) {
    FLYT_ASSIGN(const bool there, uploaded(sha256));
    if (there) {
      advance(image_.file_bytes);
      return ok();
    }
    FLYT_ASSIGN(const auto storages, read_storages(context_.api, node(), call_));
    FLYT_ASSIGN(const StorageFacts store, import_storage(storages, node(), context_.settings));
    FLYT_TRY(check_upload_rights(context_, store.id, call_));
    FLYT_TRY(check_room(storages, store));
    const std::string what = fmt::format("{}: uploading it to {}", disk_.what, store.id);
    // Of an earlier try: two must not write to one file.
    if (state_.notes.contains("store")) {
      FLYT_TRY(wait_for_own(context_.api, node(), "imgcopy", "", what, call_));
      if (state_.note("store") != store.id) FLYT_TRY(remove_own_upload());
    }
    state_.notes.erase("uploaded");
    FLYT_TRY(note("store", store.id));
    tell(fmt::format("{}: uploading {} to {}", slot(), format_size(image_.file_bytes), store.id));
    FileToSend sending{.name = file(),
                       .path = image_.path,
                       .bytes = image_.file_bytes,
                       .sha256 = sha256,
                       .sent = [this](std::uint64_t count) { advance(count); },
                       .rate = spec_.rate};
    FLYT_ASSIGN(const std::string body,
                context_.api.upload(fmt::format("{}/storage/{}/upload", node_path(node()),
                                                percent_encode(store.id)),
                                    sending, what, call_));
    FLYT_ASSIGN(const std::string upid, parse_text(body, what));
    FLYT_TRY(wait_for_task(context_.api, upid, what, call_));
    return note("uploaded", sha256);
  }

  // By an earlier process, whole, and still there.
  Result<bool> uploaded(const std::string& sha256) {
    if (state_.note("uploaded") != sha256) return false;
    FLYT_ASSIGN(const auto volumes, list_volumes(context_.api, node(), state_.note("store"),
                                                 {{"content", "import"}}, call_));
    const std::string volume = import_volume(state_.note("store"), file());
    return std::any_of(volumes.begin(), volumes.end(), [&](const VolumeFacts& one) {
      return one.id == volume && one.size_bytes == image_.file_bytes;
    });
  }

  Status check_room(const std::vector<StorageFacts>& storages, const StorageFacts& store) const {
    const std::string& target = facts_.config.disks[index_].volume.storage;
    for (const StorageFacts& one : storages) {
      std::uint64_t needed = one.id == target ? image_.file_bytes : 0;
      if (one.id == store.id) needed += image_.file_bytes;
      if (!one.free_bytes || *one.free_bytes >= needed) continue;
      return Error{
          Errc::unavailable,
          fmt::format("{}: too little room in {} on {}: {} are free, {} are needed", disk_.what,
                      one.id, node(), format_size(*one.free_bytes), format_size(needed)),
          "",
          "",
          "nothing was sent; what was copied is kept, and the same command goes on",
          {"make room there, or name another storage: import_storage = \"...\""}};
    }
    return ok();
  }

  Status import() {
    const std::string before = slot_volume();
    PropertyString drive(facts_.config.row.text(slot()), "file");
    const VolumeId volume = VolumeId::parse(before);
    drive.set("file", volume.storage + ":0");
    drive.erase("size");
    drive.set("import-from", import_volume(state_.note("store"), file()));
    FLYT_ASSIGN(const auto storages, read_storages(context_.api, node(), call_));
    const auto target = std::find_if(storages.begin(), storages.end(),
                                     [&](const auto& one) { return one.id == volume.storage; });
    if (target != storages.end() && target->has_files()) drive.set("format", volume.format());
    state_.notes["of"] = image_.stamp;
    FLYT_TRY(note("importing", before));
    const std::string what = fmt::format("{}: importing it into {}", disk_.what, volume.storage);
    tell(fmt::format("{}: Proxmox VE imports it into {}", slot(), volume.storage));
    FLYT_TRY(proceed(call_, what));
    FLYT_TRY(do_task(context_.api, Method::post, qemu_path(facts_.here) + "/config",
                     {{slot(), drive.text()}, {"digest", facts_.config.digest}}, what, call_));
    FLYT_TRY(end_import());
    if (landed()) return ok();
    return Error{Errc::internal, what, "the task ended well, and the disk is the one it was"};
  }

  // What landing it has left over.
  Status tidy() {
    if (state_.notes.contains("replaced")) {
      FLYT_TRY(remove_replaced());
      state_.notes.erase("replaced");
      FLYT_TRY(keep());
    }
    return state_.notes.contains("store") ? remove_own_upload() : ok();
  }

  Status remove_replaced() {
    const std::string gone = state_.note("replaced");
    FLYT_TRY(read_again());
    for (const auto& [key, value] : facts_.config.row.values) {
      if (!key.starts_with("unused") || PropertyString(value, "file").get("file") != gone) continue;
      const std::string what = fmt::format("{}: removing {}, which it replaces", disk_.what, gone);
      FLYT_TRY(proceed(call_, what));
      FLYT_TRY(do_task(context_.api, Method::post, qemu_path(facts_.here) + "/config",
                       {{"delete", key}, {"digest", facts_.config.digest}}, what, call_));
      return read_again();
    }
    return ok();
  }

  Status remove_own_upload() {
    const std::string store = state_.note("store");
    FLYT_TRY(remove_volume(context_.api, node(), store, import_volume(store, file()),
                           fmt::format("{}: removing its upload", disk_.what), call_));
    state_.notes.erase("store");
    state_.notes.erase("uploaded");
    return keep();
  }

  Context& context_;
  MachineFacts& facts_;
  const std::size_t index_;
  const LandSpec& spec_;
  const Call& call_;
  const StagedDisk disk_;
  StagedState state_;
  StagedImage image_;
};

}  // namespace

StagedDisk staged_disk(const Machine& machine, std::size_t index, const Owner& owner) {
  const Disk& disk = machine.disks[index];
  return {.what = fmt::format("{}: {}", machine.name, disk.label),
          .owner = {machine.migration_id, owner.epoch},
          .index = index,
          .size_bytes = disk.size_bytes,
          .notes = {{"volume", disk.uuid}}};
}

Result<StorageFacts> import_storage(const std::vector<StorageFacts>& storages,
                                    const std::string& node, const Settings& settings) {
  const StorageFacts* best = nullptr;
  for (const StorageFacts& one : storages) {
    if (one.node != node || !one.active || !one.holds("import")) continue;
    if (!settings.import_storage.empty() && one.id != settings.import_storage) continue;
    if (best == nullptr || one.free_bytes.value_or(0) > best->free_bytes.value_or(0)) best = &one;
  }
  if (best != nullptr) return *best;
  const std::string& named = settings.import_storage;
  return Error{Errc::not_found,
               named.empty() ? fmt::format("no storage on {} takes uploads", node)
                             : fmt::format("storage {} on {} takes no uploads", named, node),
               "",
               "a storage of files takes images once its content has \"import\", and is seen "
               "by who may look at it",
               "",
               {fmt::format("pvesm set {} --content import,...",
                            named.empty() ? std::string("STORAGE") : named)}};
}

void add_landing(Context& context, const Cluster& cluster, Inventory& found, const Call& call) {
  const Settings& settings = context.settings;
  if (by_ssh(settings.way)) {
    for (Storage& one : found.storages) {
      one.land_by = fmt::format("written in place, by ssh to its node, since landing = \"{}\"",
                                settings.way == Way::ssh ? "ssh" : "ssh+sudo");
    }
  }
  if (settings.way != Way::api) return;
  // The node is chosen when a machine is made: the one where uploads have the most room stands for
  // all.
  std::optional<StorageFacts> store;
  for (const NodeFacts& node : cluster.nodes) {
    const auto here = import_storage(cluster.storages, node.name, settings);
    if (!here) continue;
    if (!store || here->free_bytes.value_or(0) > store->free_bytes.value_or(0)) store = *here;
  }
  for (Storage& one : found.storages) {
    one.land_by = fmt::format(
        "staged here, uploaded to {} and imported from there, since landing = \"api\": the API "
        "takes a disk only whole",
        store ? "storage " + store->id : std::string("no storage, since none takes uploads"));
    one.later = true;
    // Those that allocate a volume whole: the empty one stays until the imported one is there.
    one.doubles = one.kind == "lvm" || one.kind == "zfspool";
  }
  found.passages.push_back({fmt::format("the state folder {}", context.config.state.native()),
                            context.staging.free_bytes(call), true});
  if (!store) return;
  found.passages.push_back(
      {fmt::format("storage {} on {}, which takes the uploads,", store->id, store->node),
       store->free_bytes, false});
}

Status remove_uploads(Context& context, const std::string& node, const std::string& migration_id,
                      const Call& call) {
  if (migration_id.empty()) return ok();
  const std::string what = fmt::format("removing what was uploaded for {}", migration_id);
  FLYT_ASSIGN(const auto storages, read_storages(context.api, node, call));
  for (const StorageFacts& one : storages) {
    if (!one.active || !one.holds("import")) continue;
    FLYT_ASSIGN(const auto volumes,
                list_volumes(context.api, node, one.id, {{"content", "import"}}, call));
    for (const VolumeFacts& volume : volumes) {
      if (!volume.id.starts_with(import_volume(one.id, migration_id + "-"))) continue;
      FLYT_TRY(remove_volume(context.api, node, one.id, volume.id, what, call));
    }
  }
  return ok();
}

Result<std::vector<LandedDisk>> land(Context& context, const LandSpec& spec, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, spec.machine, call));
  FLYT_ASSIGN(MachineFacts facts, read_machine(context, here, call));
  const Machine& machine = facts.config.machine;
  FLYT_TRY(check_ours(machine, spec.owner));
  if (machine.power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine.name), "", "",
                 "",           {fmt::format("qm shutdown {}", machine.id)}};
  }
  std::vector<DiskLanding> disks;
  disks.reserve(machine.disks.size());
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < machine.disks.size(); ++i) {
    DiskLanding& disk = disks.emplace_back(context, facts, i, spec, call);
    FLYT_TRY(disk.begin());
    total += disk.bytes();
  }
  if (spec.progress != nullptr) spec.progress->total(total);
  std::vector<LandedDisk> landed;
  for (DiskLanding& disk : disks) {
    FLYT_ASSIGN(LandedDisk one, disk.finish());
    landed.push_back(std::move(one));
  }
  return landed;
}

}  // namespace flyt::proxmox
