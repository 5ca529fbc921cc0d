// The volumes of a migration: their names carry its id, so that they are found after a crash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine_spec.hpp"
#include "drivers/libvirt/connection.hpp"
#include "drivers/libvirt/domain_build.hpp"
#include "drivers/libvirt/ground_xml.hpp"
#include "drivers/libvirt/handles.hpp"

namespace flyt::virt {

struct Context;

// A file's name taken apart: "web01.flyt-abcdefghij234567abcd.0.raw".
struct VolumeName {
  std::string machine, migration_id;
  std::string rest;  // "0.raw"; "console" for the log of the console
};
std::string to_string(const VolumeName& name);
std::optional<VolumeName> volume_name_from(std::string_view text);
// Whether files that carry it are found again by it.
bool can_name_files(std::string_view migration_id);
// The machine's name as it may stand in VolumeName::machine.
std::string file_safe(std::string_view machine);
// Whether libvirt's description of a domain names a file of this name, in any folder.
bool names_file(std::string_view xml, std::string_view name);
// The name of a domain, other than the one with the uuid `but`, whose description names one of
// these files, now or for its next start; empty: none.
Result<std::string> user_of(virConnectPtr link, const std::vector<std::string>& files,
                            const std::string& but);

struct PoolHere {
  Pool handle;
  PoolFacts facts;
};

// Active pools as libvirt last saw them: never refreshed, since libvirt takes a pool out of service
// whose refresh fails. The space in pools of files is asked for on the host, where that can be.
// Without a storage driver: none.
Result<std::vector<PoolHere>> list_pools(const Context& context, virConnectPtr link,
                                         const Call& call);

// By name or uuid. Errc::not_found; Errc::unsupported: a pool without files.
Result<const PoolHere*> usable_pool(const std::vector<PoolHere>& pools, const std::string& name);

// Errc::unavailable: it has not so much left, as far as it tells.
Status check_space(const PoolHere& pool, std::uint64_t bytes);
Result<std::vector<Vol>> list_volumes(virStoragePoolPtr pool);

struct MadeVolumes {
  std::vector<DiskPlace> disks;
  std::string folder;     // of the first disk's pool
  std::vector<Vol> made;  // those that were not there before
};

// Makes those of spec.disks that are not there, as sparse files; all of them or, where one fails,
// none of those it made. Errc::exists: one is there with another size or format.
Result<MadeVolumes> make_volumes(const Context& context, virConnectPtr link,
                                 const MachineSpec& spec, const Call& call);
// Best effort, after a failure: what stays behind carries the migration id and is found by it.
void unmake(const MadeVolumes& volumes);

struct OwnVolume {
  Vol handle;
  VolumeName name;
  std::string path;
};
// All volumes of the migration, in all pools.
Result<std::vector<OwnVolume>> find_volumes(const Context& context, virConnectPtr link,
                                            const std::string& migration_id, const Call& call);
// Gone is success.
Status drop_volumes(const std::vector<OwnVolume>& volumes, const Call& call);

}  // namespace flyt::virt
