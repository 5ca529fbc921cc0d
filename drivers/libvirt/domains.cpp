#include <fmt/format.h>

#include "base/identity.hpp"
#include "base/units.hpp"
#include "drivers/libvirt/connection.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/ground_xml.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/volumes.hpp"

namespace flyt::virt {
namespace {

std::string uuid_of(virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  return virDomainGetUUIDString(domain, uuid) < 0 ? std::string() : std::string(uuid);
}

Result<DomainHere> read_domain(Domain handle) {
  const std::string xml =
      take(virDomainGetXMLDesc(handle.get(), VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE));
  if (xml.empty()) return last_error("describing a machine");
  FLYT_ASSIGN(DomainFacts facts, parse_domain(xml));
  FLYT_ASSIGN(facts.machine.power, power_of(handle.get()));
  return DomainHere{std::move(handle), std::move(facts)};
}

// The machine when nothing but its identity is known.
DomainHere unreadable(Domain handle, const Error& error) {
  DomainHere domain;
  Machine& machine = domain.facts.machine;
  machine.id = machine.uuid = uuid_of(handle.get());
  const char* name = virDomainGetName(handle.get());
  machine.name = name == nullptr ? machine.id : name;
  machine.unreadable = error.seen.empty() ? error.what : error.seen;
  domain.handle = std::move(handle);
  return domain;
}

// Finds the volume behind a disk: by pool and name where the description says those.
Vol volume_of(virConnectPtr link, DomainDisk& place) {
  if (!place.volume.empty()) {
    const Pool pool(virStoragePoolLookupByName(link, place.pool.c_str()));
    if (!pool) return {};
    Vol volume(virStorageVolLookupByName(pool.get(), place.volume.c_str()));
    if (volume) place.path = take(virStorageVolGetPath(volume.get()));
    return volume;
  }
  return place.path.empty() ? Vol() : Vol(virStorageVolLookupByPath(link, place.path.c_str()));
}

// A file may lie in a pool that libvirt has not looked into since.
Pool pool_of(virConnectPtr link, const Vol& volume, const DomainDisk& place) {
  if (volume) return Pool(virStoragePoolLookupByVolume(volume.get()));
  const auto slash = place.path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  return Pool(virStoragePoolLookupByTargetPath(link, place.path.substr(0, slash).c_str()));
}

void look_at_volume(virConnectPtr link, DomainDisk& place, Disk& disk) {
  const Vol volume = volume_of(link, place);
  const Pool pool = pool_of(link, volume, place);
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  if (pool && virStoragePoolGetUUIDString(pool.get(), uuid) == 0) disk.storage = uuid;
  if (!volume) return;
  const auto facts = parse_volume(take(virStorageVolGetXMLDesc(volume.get(), 0)));
  if (!facts) return;
  disk.size_bytes = whole_sectors(facts->capacity);
  disk.used_bytes = facts->allocation;
  if (!facts->changed.empty()) {
    disk.stamp = fmt::format("{} {}, {} bytes, {}, {}", facts->format, facts->path, facts->capacity,
                             facts->modified, facts->changed);
  }
  if (!facts->backing.empty() && disk.left_out.empty()) {
    disk.left_out =
        fmt::format("it stands on the backing image {}: flatten it first", facts->backing);
  }
}

void look_at_disk(virConnectPtr link, virDomainPtr domain, DomainDisk& place, Disk& disk) {
  look_at_volume(link, place, disk);
  disk.id = place.path.empty() ? place.target : place.path;
  disk.uuid = place.path;
  virDomainBlockInfo info{};
  if (virDomainGetBlockInfo(domain, place.target.c_str(), &info, 0) == 0) {
    disk.size_bytes = whole_sectors(info.capacity);
    disk.used_bytes = info.allocation;
  } else if (disk.size_bytes == 0 && disk.left_out.empty()) {
    const Error error = last_error("reading the size of a disk");
    disk.left_out = fmt::format("its size cannot be read: {}", error.seen);
  }
}

}  // namespace

Result<Power> power_of(virDomainPtr domain) {
  int state = 0, reason = 0;
  if (virDomainGetState(domain, &state, &reason, 0) < 0) return last_error("asking for power");
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:
      return Power::on;
    case VIR_DOMAIN_PAUSED:
    case VIR_DOMAIN_PMSUSPENDED:
      return Power::suspended;
    case VIR_DOMAIN_SHUTOFF:
    case VIR_DOMAIN_CRASHED:
      break;
    default:
      return Power::unknown;
  }
  // Off, but with its memory on disk: the disks are not at rest.
  const int saved = virDomainHasManagedSaveImage(domain, 0);
  if (saved < 0 && !last_is_unsupported()) return last_error("asking for a saved memory");
  return saved == 1 ? Power::suspended : Power::off;
}

Result<std::vector<DomainHere>> list_domains(virConnectPtr link) {
  virDomainPtr* list = nullptr;
  const int count = virConnectListAllDomains(link, &list, 0);
  if (count < 0) return last_error("listing machines");
  std::vector<DomainHere> domains;
  for (Domain& handle : take_list<Domain>(list, count)) {
    virDomainRef(handle.get());
    Domain spare(handle.get());
    auto domain = read_domain(std::move(handle));
    if (domain) {
      domains.push_back(std::move(*domain));
    } else if (domain.error().code != Errc::not_found) {  // else: removed since it was listed
      domains.push_back(unreadable(std::move(spare), domain.error()));
    }
  }
  FLYT_TRY(still_connected(link));
  return domains;
}

Result<DomainHere> find_domain(virConnectPtr link, const std::string& id) {
  const Error none{Errc::not_found,   fmt::format("there is no machine {}", id), "", "", "",
                   {"flyt inventory"}};
  if (!is_uuid(id)) return none;
  Domain handle(virDomainLookupByUUIDString(link, id.c_str()));
  if (handle) return within(id, read_domain(std::move(handle)));
  if (last_is_missing()) return none;
  return last_error(fmt::format("looking for the machine {}", id));
}

Status look_at_disks(virConnectPtr link, DomainHere& domain) {
  Machine& machine = domain.facts.machine;
  for (std::size_t i = 0; i < machine.disks.size(); ++i) {
    Disk& disk = machine.disks[i];
    look_at_disk(link, domain.handle.get(), domain.facts.disks[i], disk);
    if (machine.power != Power::off && disk.left_out.empty()) {
      disk.left_out = "the machine must be off: a running one is not read yet";
    }
  }
  return still_connected(link);
}

}  // namespace flyt::virt
