#include "drivers/libvirt/bare.hpp"

#include <fmt/format.h>

#include "base/bare_volume.hpp"
#include "base/units.hpp"
#include "base/xml_escape.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/volumes.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::virt {
namespace {

Status check_spec(const MachineSpec& spec) {
  const auto wrong = [&](std::string what) { return Error{Errc::invalid, std::move(what)}; };
  if (!can_name_files(spec.owner.id)) {
    return wrong("a volume needs a migration id");
  }
  if (spec.name.empty() || spec.name.starts_with('.') ||
      spec.name.find_first_of("/\n") != std::string::npos) {
    return wrong(fmt::format("no file in a pool can be called \"{}\"", spec.name));
  }
  if (spec.disks.size() != 1) return wrong(fmt::format("{}: a volume is one disk", spec.name));
  return ok();
}

// What it is called in its pool.
std::string file_name(const MachineSpec& spec) {
  return spec.bare == "disk" ? spec.name + ".raw" : spec.name;
}

Result<KeptFile> wanted_file(const Context& context, virConnectPtr link, const MachineSpec& spec,
                             const Call& call) {
  FLYT_ASSIGN(const std::vector<PoolHere> pools, list_pools(context, link, call));
  const DiskSpec& disk = spec.disks.front();
  FLYT_ASSIGN(const PoolHere* pool,
              usable_pool(pools, disk.storage.empty() ? context.default_pool : disk.storage));
  FLYT_TRY(check_space(*pool, disk.size_bytes));
  KeptFile file{.owner = spec.owner, .host = context.landing.name, .volume = {}, .path = {}};
  file.path = pool->facts.path + "/" + file_name(spec);
  file.bytes = disk.size_bytes;
  file.volume = {file.path, file_name(spec), pool->facts.uuid, spec.bare,
                 "raw",     disk.size_bytes, spec.owner.id,    ""};
  return file;
}

KeptFiles::Looks looks(const Context& context, const Call& call) {
  return [&context, &call](const KeptFile& file) {
    return context.kept.is_there(context.landing, file, call);
  };
}

// libvirt sees files that others make only when it looks into the pool.
Status look_into(virConnectPtr link, const std::string& pool_uuid) {
  const Pool pool(virStoragePoolLookupByUUIDString(link, pool_uuid.c_str()));
  if (pool && virStoragePoolRefresh(pool.get(), 0) == 0) return ok();
  return last_error("looking into the pool once more");
}

Error in_use(const KeptFile& file, std::string_view by) {
  return {Errc::denied, fmt::format("{} is used by {}", file.path, by), "",
          "it was attached since it was made here", "nothing was removed"};
}

// Images that stand on it are used by machines that name only those.
Status check_no_base(const Context& context, virConnectPtr link, const KeptFile& file,
                     const Call& call) {
  FLYT_ASSIGN(const std::vector<PoolHere> pools, list_pools(context, link, call));
  for (const PoolHere& pool : pools) {
    FLYT_ASSIGN(const std::vector<Vol> volumes, list_volumes(pool.handle.get()));
    for (const Vol& one : volumes) {
      const std::string xml = take(virStorageVolGetXMLDesc(one.get(), 0));
      const auto facts = xml.empty() ? Error{} : parse_volume(xml);
      if (facts && facts->backing == file.path) {
        return in_use(file, fmt::format("the image {}", facts->path));
      }
    }
  }
  return ok();
}

Status check_unused(const Context& context, virConnectPtr link, const KeptFile& file,
                    const Call& call) {
  const std::string& name = file.volume.name;
  FLYT_ASSIGN(const std::string user, user_of(link, {name, xml_escape(name)}, {}));
  if (!user.empty()) return in_use(file, fmt::format("the machine {}", user));
  return check_no_base(context, link, file, call);
}

// One that flyt did not make, and that no machine has.
Result<Volume> volume_of_others(Context& context, const std::string& id, const Call& call) {
  FLYT_ASSIGN(const Inventory all, read_inventory(context, {}, call));
  for (const Volume& volume : all.volumes) {
    if (volume.id == id) return volume;
  }
  return Error{Errc::not_found, fmt::format("there is no volume {} without a machine", id)};
}

}  // namespace

Result<Machine> create_bare(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_TRY(check_spec(spec));
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  const std::lock_guard lock(context.making);
  FLYT_ASSIGN(const auto made, context.kept.live(spec.owner.id, looks(context, call)));
  if (made) {
    FLYT_TRY(check_as_asked(*made, spec));
    return stand_in(*made);
  }
  FLYT_ASSIGN(const KeptFile file, wanted_file(context, link.get(), spec, call));
  FLYT_TRY(proceed(call, "making a volume"));
  FLYT_TRY(context.kept.make(context.landing, file, call));
  return stand_in(file);
}

Result<Machine> publish_bare(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(auto made, context.kept.live(spec.owner.id, looks(context, call)));
  if (!made) {
    return Error{Errc::not_found, fmt::format("{}: this migration made no volume", spec.name)};
  }
  FLYT_TRY(check_as_asked(*made, spec));
  FLYT_TRY(proceed(call, "handing over a volume"));
  FLYT_ASSIGN(const KeptFile file,
              context.kept.publish(context.landing, *std::move(made), spec.owner, call));
  FLYT_TRY(look_into(link.get(), file.volume.storage));
  return stand_in(file);
}

Status destroy_bare(Context& context, const std::string& id, const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(const auto file, context.kept.find(owner.id));
  if (!file || bare_id(file->volume.id) != id) {
    const auto others = find_bare(context, id, call);
    if (!others && others.error().code == Errc::not_found) return ok();
    if (!others) return others.error();
    return check_ours(*others, {});
  }
  FLYT_TRY(check_unused(context, link.get(), *file, call));
  FLYT_TRY(proceed(call, "removing a volume"));
  FLYT_TRY(context.kept.remove(context.landing, *file, owner, call));
  // Last: until then the next call goes on here.
  FLYT_TRY(look_into(link.get(), file->volume.storage));
  return context.kept.forget(owner.id);
}

Result<std::unique_ptr<Channel>> open_bare(Context& context, const OpenSpec& spec,
                                           const Call& call) {
  FLYT_ASSIGN(const auto kept, context.kept.live_as(spec.disk, looks(context, call)));
  if (kept) return context.kept.open(context.landing, *kept, spec.use, spec.owner, call);
  FLYT_ASSIGN(const Volume volume, volume_of_others(context, spec.disk, call));
  if (spec.use == Use::write) {
    return Error{Errc::denied, fmt::format("{} was not made by this migration", volume.name)};
  }
  if (!volume.left_out.empty()) {
    return Error{Errc::unsupported, fmt::format("{} cannot be read", volume.name), volume.left_out};
  }
  LandingDisk disk{volume.name, volume.id, volume.format, spec.use, spec.owner};
  disk.size_bytes = volume.size_bytes;
  return open_landing(context.landing, disk, call);
}

Result<Machine> find_bare(Context& context, const std::string& id, const Call& call) {
  const std::string path = bare_volume_of(id).value_or(id);
  FLYT_ASSIGN(const auto kept, context.kept.live_as(path, looks(context, call)));
  if (kept) return stand_in(*kept);
  FLYT_ASSIGN(const Volume volume, volume_of_others(context, path, call));
  Machine machine = bare_machine(volume);
  FLYT_ASSIGN(machine.disks.front().stamp, file_stamp(context.landing, volume.id, call));
  return machine;
}

Result<std::optional<Machine>> made_bare(Context& context, const std::string& migration_id,
                                         const Call& call) {
  FLYT_ASSIGN(const auto kept, context.kept.live(migration_id, looks(context, call)));
  return kept ? std::optional(stand_in(*kept)) : std::nullopt;
}

}  // namespace flyt::virt
