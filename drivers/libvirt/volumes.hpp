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

// A file's name taken apart: "web01.flyt-abcdefghij234567abcd.0.raw".
struct VolumeName {
  std::string machine, migration_id;
  std::string rest;  // "0.raw"; "console" for the log of the console
};
std::string to_string(const VolumeName& name);
std::optional<VolumeName> volume_name_from(std::string_view text);
// The machine's name as it may stand in VolumeName::machine.
std::string file_safe(std::string_view machine);

// libvirt's disks are counted in sectors.
constexpr std::uint64_t whole_sectors(std::uint64_t bytes) { return (bytes + 511) / 512 * 512; }

struct PoolHere {
  Pool handle;
  PoolFacts facts;
};

// Active pools, refreshed so that sizes and files are those of now. Without a storage driver: none.
Result<std::vector<PoolHere>> list_pools(virConnectPtr link);

struct MadeVolumes {
  std::vector<DiskPlace> disks;
  std::string folder;     // of the first disk's pool
  std::vector<Vol> made;  // those that were not there before
};

// Makes those of spec.disks that are not there, as sparse files; all of them or, where one fails,
// none of those it made. Errc::exists: one is there with another size or format.
Result<MadeVolumes> make_volumes(virConnectPtr link, const MachineSpec& spec,
                                 const std::string& default_pool, const Call& call);
// Best effort, after a failure: what stays behind carries the migration id and is found by it.
void unmake(const MadeVolumes& volumes);
// All volumes of the migration, in all pools, its console logs included.
Status drop_volumes(virConnectPtr link, const std::string& migration_id, const Call& call);

}  // namespace flyt::virt
