#include "drivers/libvirt/volumes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/units.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/errors.hpp"

namespace flyt::virt {
namespace {

const PoolHere* find_pool(const std::vector<PoolHere>& pools, const std::string& name) {
  const auto found = std::find_if(pools.begin(), pools.end(), [&](const PoolHere& pool) {
    return pool.facts.name == name || pool.facts.uuid == name;
  });
  return found == pools.end() ? nullptr : &*found;
}

struct Wanted {
  VolumeName name;
  std::string format;
  std::uint64_t size = 0;
  const PoolHere* pool = nullptr;
};

Status check_there(const VolumeFacts& facts, const Wanted& disk) {
  if (facts.capacity == disk.size && facts.format == disk.format) return ok();
  return Error{Errc::exists,
               fmt::format("{} is there, with {} bytes as {}, not {} as {}", facts.path,
                           facts.capacity, facts.format, disk.size, disk.format),
               "",
               "an earlier plan made it otherwise, or the daemon ended while it made it",
               "it was not touched",
               {fmt::format("virsh vol-delete {}", facts.path)}};
}

Result<std::vector<Wanted>> wanted_of(const MachineSpec& spec, const std::vector<PoolHere>& pools,
                                      const std::string& default_pool) {
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    const DiskSpec& disk = spec.disks[i];
    Wanted one;
    one.format = disk.format.empty() ? "raw" : disk.format;
    if (one.format != "raw" && one.format != "qcow2") {
      return Error{Errc::unsupported,
                   fmt::format("disk {}: disks are raw or qcow2 here, not {}", i, one.format)};
    }
    one.name = {file_safe(spec.name), spec.owner.id, fmt::format("{}.{}", i, one.format)};
    one.size = whole_sectors(disk.size_bytes);
    FLYT_ASSIGN(one.pool, usable_pool(pools, disk.storage.empty() ? default_pool : disk.storage));
    wanted.push_back(std::move(one));
  }
  return wanted;
}

// By migration and number: the machine may have been renamed since it was made.
Result<Vol> find_volume(const Wanted& disk) {
  FLYT_ASSIGN(std::vector<Vol> volumes, list_volumes(disk.pool->handle.get()));
  for (Vol& volume : volumes) {
    const auto name = volume_name_from(virStorageVolGetName(volume.get()));
    if (!name || name->migration_id != disk.name.migration_id) continue;
    if (name->rest.substr(0, name->rest.find('.')) ==
        disk.name.rest.substr(0, disk.name.rest.find('.'))) {
      return std::move(volume);
    }
  }
  return Vol();
}

// As find_volume(), with its description. One whose file was removed without libvirt is none, and
// only a look into the pool makes libvirt forget it.
Result<Vol> find_described(const Wanted& disk, std::string& xml) {
  FLYT_ASSIGN(Vol volume, find_volume(disk));
  if (!volume) return volume;
  xml = take(virStorageVolGetXMLDesc(volume.get(), 0));
  if (!xml.empty()) return volume;
  if (!last_is_missing()) return last_error("describing a volume");
  if (virStoragePoolRefresh(disk.pool->handle.get(), 0) < 0) {
    return last_error(fmt::format("looking into the pool {}", disk.pool->facts.name));
  }
  FLYT_ASSIGN(volume, find_volume(disk));
  if (volume) xml = take(virStorageVolGetXMLDesc(volume.get(), 0));
  return volume;
}

// libvirt makes a file and then gives it its size, or has qemu-img write its header: when it dies
// between the two, an empty file is left, which the next one who asks must not be refused for.
Status drop_if_only_begun(Vol& volume, const std::string& xml, const Wanted& disk) {
  const auto facts = parse_volume(xml);
  if (!facts || facts->format != "raw" || facts->capacity != 0) return ok();
  if (check_there(*facts, disk)) return ok();
  if (virStorageVolDelete(volume.get(), 0) < 0 && !last_is_missing()) {
    return last_error(fmt::format("cannot remove the empty file {}", facts->path));
  }
  volume.reset();
  return ok();
}

Status make_one(const Wanted& disk, MadeVolumes& volumes, const Call& call) {
  FLYT_TRY(proceed(call, "making disks"));
  std::string xml;
  FLYT_ASSIGN(Vol volume, find_described(disk, xml));
  if (volume) FLYT_TRY(drop_if_only_begun(volume, xml, disk));
  if (!volume) {
    const std::string name = to_string(disk.name);
    const std::string wanted = build_volume(name, disk.format, disk.size);
    volume.reset(virStorageVolCreateXML(disk.pool->handle.get(), wanted.c_str(), 0));
    if (!volume) return last_error(fmt::format("cannot make the volume {}", name));
    xml = take(virStorageVolGetXMLDesc(volume.get(), 0));
    volumes.made.push_back(std::move(volume));
  }
  if (xml.empty()) return last_error("describing a volume");
  FLYT_ASSIGN(const VolumeFacts facts, parse_volume(xml));
  FLYT_TRY(check_there(facts, disk));
  volumes.disks.push_back({facts.path, facts.format});
  return ok();
}

// libvirt's own figures are those of its last refresh, which may be long ago.
Status measure(const LandingHost& host, std::vector<PoolHere>& pools, const Call& call) {
  std::vector<PoolFacts*> of_files;
  std::vector<std::string> folders;
  for (PoolHere& pool : pools) {
    if (!pool.facts.holds_files()) continue;
    of_files.push_back(&pool.facts);
    folders.push_back(pool.facts.path);
  }
  const auto spaces = landing_spaces(host, folders, call);
  if (!spaces && host.ssh && is_transient(spaces.error().code)) return spaces.error();
  if (!spaces) return proceed(call, "reading storage");  // its figures are what there is
  for (std::size_t i = 0; i < of_files.size(); ++i) {
    if (!spaces->at(i)) continue;
    of_files[i]->capacity = spaces->at(i)->size_bytes;
    of_files[i]->available = spaces->at(i)->free_bytes;
  }
  return ok();
}

}  // namespace

std::string to_string(const VolumeName& name) {
  return fmt::format("{}.{}.{}", name.machine, name.migration_id, name.rest);
}

std::optional<VolumeName> volume_name_from(std::string_view text) {
  const auto first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  VolumeName name{std::string(text.substr(0, first)),
                  std::string(text.substr(first + 1, second - first - 1)),
                  std::string(text.substr(second + 1))};
  const bool of_flyt = name.migration_id.starts_with("flyt-") && !name.rest.empty();
  return of_flyt ? std::optional(std::move(name)) : std::nullopt;
}

bool can_name_files(std::string_view migration_id) {
  return migration_id.starts_with("flyt-") &&
         migration_id.find_first_of("./") == std::string_view::npos;
}

bool names_file(std::string_view xml, std::string_view name) {
  for (auto at = xml.find(name); at != std::string_view::npos; at = xml.find(name, at + 1)) {
    const std::string_view after = xml.substr(at + name.size());
    const bool whole = at > 0 && (xml[at - 1] == '/' || xml[at - 1] == '\'' || xml[at - 1] == '"');
    if (whole && (after.starts_with('\'') || after.starts_with('"'))) return true;
  }
  return false;
}

Result<std::string> user_of(virConnectPtr link, const std::vector<std::string>& files,
                            const std::string& but) {
  virDomainPtr* list = nullptr;
  const int count = virConnectListAllDomains(link, &list, 0);
  if (count < 0) return last_error("listing machines");
  for (const Domain& domain : take_list<Domain>(list, count)) {
    char uuid[VIR_UUID_STRING_BUFLEN] = {};
    if (virDomainGetUUIDString(domain.get(), uuid) == 0 && but == uuid) continue;
    // What it runs with now may differ from what it starts with next.
    for (const unsigned which : {0U, static_cast<unsigned>(VIR_DOMAIN_XML_INACTIVE)}) {
      const std::string xml = take(virDomainGetXMLDesc(domain.get(), which));
      if (xml.empty() && last_is_missing()) continue;
      if (xml.empty()) return last_error("describing a machine");
      const bool uses = std::any_of(files.begin(), files.end(),
                                    [&](const std::string& one) { return names_file(xml, one); });
      if (uses) return std::string(virDomainGetName(domain.get()));
    }
  }
  return std::string();
}

std::string file_safe(std::string_view machine) {
  std::string name(machine.substr(0, 80));
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '-' && c != '_') c = '_';
  }
  return name;
}

Result<std::vector<PoolHere>> list_pools(const Context& context, virConnectPtr link,
                                         const Call& call) {
  virStoragePoolPtr* list = nullptr;
  const int count =
      virConnectListAllStoragePools(link, &list, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
  if (count < 0) {
    if (last_is_unsupported()) return std::vector<PoolHere>();
    return last_error("listing storage pools");
  }
  std::vector<PoolHere> pools;
  for (Pool& pool : take_list<Pool>(list, count)) {
    const std::string xml = take(virStoragePoolGetXMLDesc(pool.get(), 0));
    if (xml.empty()) {
      if (last_is_missing()) continue;  // removed since it was listed
      return last_error("describing a storage pool");
    }
    FLYT_ASSIGN(PoolFacts facts, parse_pool(xml));
    pools.push_back({std::move(pool), std::move(facts)});
  }
  FLYT_TRY(measure(context.landing, pools, call));
  return pools;
}

Result<const PoolHere*> usable_pool(const std::vector<PoolHere>& pools, const std::string& name) {
  const PoolHere* pool = find_pool(pools, name);
  if (pool == nullptr) {
    std::vector<std::string_view> known;
    known.reserve(pools.size());
    for (const PoolHere& one : pools) known.push_back(one.facts.name);
    Error error{Errc::not_found, fmt::format("there is no active pool {}", name)};
    if (const auto near = nearest(name, known); !near.empty()) {
      error.remedy.push_back(fmt::format("did you mean {}?", near));
    } else {
      error.remedy.emplace_back("virsh pool-list --all");
    }
    return error;
  }
  if (pool->facts.holds_files()) return pool;
  return Error{Errc::unsupported,
               fmt::format("the pool {} is of type {}: disks are only made in pools of files", name,
                           pool->facts.type)};
}

Status check_space(const PoolHere& pool, std::uint64_t bytes) {
  if (!pool.facts.available || *pool.facts.available >= bytes) return ok();
  return Error{Errc::unavailable,
               fmt::format("no space in {}: {} are free, {} are needed", pool.facts.name,
                           format_size(*pool.facts.available), format_size(bytes)),
               "", "", "nothing was made"};
}

Result<std::vector<Vol>> list_volumes(virStoragePoolPtr pool) {
  virStorageVolPtr* list = nullptr;
  const int count = virStoragePoolListAllVolumes(pool, &list, 0);
  if (count < 0) return last_error("listing the volumes of a pool");
  return take_list<Vol>(list, count);
}

Result<MadeVolumes> make_volumes(const Context& context, virConnectPtr link,
                                 const MachineSpec& spec, const Call& call) {
  FLYT_ASSIGN(const std::vector<PoolHere> pools, list_pools(context, link, call));
  FLYT_ASSIGN(const std::vector<Wanted> wanted, wanted_of(spec, pools, context.default_pool));
  // Sparse files grow into what is free: what is certain is that one disk alone must fit.
  for (const Wanted& disk : wanted) FLYT_TRY(check_space(*disk.pool, disk.size));
  MadeVolumes volumes;
  for (const Wanted& disk : wanted) {
    if (volumes.folder.empty()) volumes.folder = disk.pool->facts.path;
    auto made = within(fmt::format("disk {}", volumes.disks.size()), make_one(disk, volumes, call));
    if (!made) {
      unmake(volumes);
      return made.error();
    }
  }
  return volumes;
}

void unmake(const MadeVolumes& volumes) {
  for (const Vol& volume : volumes.made) (void)virStorageVolDelete(volume.get(), 0);
}

Result<std::vector<OwnVolume>> find_volumes(const Context& context, virConnectPtr link,
                                            const std::string& migration_id, const Call& call) {
  FLYT_ASSIGN(const std::vector<PoolHere> pools, list_pools(context, link, call));
  std::vector<OwnVolume> found;
  for (const PoolHere& pool : pools) {
    FLYT_ASSIGN(std::vector<Vol> volumes, list_volumes(pool.handle.get()));
    for (Vol& volume : volumes) {
      auto name = volume_name_from(virStorageVolGetName(volume.get()));
      if (!name || name->migration_id != migration_id) continue;
      std::string path = take(virStorageVolGetPath(volume.get()));
      found.push_back({std::move(volume), std::move(*name), std::move(path)});
    }
  }
  return found;
}

Status drop_volumes(const std::vector<OwnVolume>& volumes, const Call& call) {
  for (const OwnVolume& volume : volumes) {
    FLYT_TRY(proceed(call, "removing disks"));
    if (virStorageVolDelete(volume.handle.get(), 0) < 0 && !last_is_missing()) {
      return last_error(fmt::format("cannot remove the volume {}", volume.path));
    }
  }
  return ok();
}

}  // namespace flyt::virt
