#include <fmt/format.h>

#include <set>

#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/machines.hpp"
#include "drivers/libvirt/volumes.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::virt {
namespace {

// Ends what an older process still has open, and fails when a newer one has.
Status fence(const Context& context, const DomainHere& domain, const Owner& owner,
             const Call& call) {
  for (const DomainDisk& disk : domain.facts.disks) {
    LandingDisk landing{domain.facts.machine.name, disk.path, disk.format, Use::write, owner};
    auto channel = open_landing(context.landing, landing, call);
    if (!channel && channel.error().code == Errc::not_found) continue;
    if (!channel) return channel.error();
    FLYT_TRY((*channel)->close(call));
  }
  return ok();
}

Status check_unused(virConnectPtr link, const std::vector<OwnVolume>& volumes,
                    const std::string& id) {
  std::vector<std::string> files;
  files.reserve(volumes.size());
  for (const OwnVolume& one : volumes) files.push_back(to_string(one.name));
  FLYT_ASSIGN(const std::string user, user_of(link, files, id));
  if (user.empty()) return ok();
  return Error{Errc::denied,
               fmt::format("disks of this migration belong to the machine {}", user),
               "",
               "it was defined by hand, or copied from the one that was made here",
               "nothing was removed",
               {fmt::format("virsh domblklist {}", user)}};
}

// Whether its TPM's state may stay behind without its flag: before 8.9 there was neither.
bool keeps_tpm(const DomainHere& domain) {
  constexpr unsigned long first = 8009000;
  unsigned long version = 0;
  return domain.facts.machine.firmware.tpm.value_or(false) &&
         virConnectGetLibVersion(virDomainGetConnect(domain.handle.get()), &version) == 0 &&
         version >= first;
}

Status remove_domain(const DomainHere& domain) {
  const std::string& name = domain.facts.machine.name;
  if (virDomainIsActive(domain.handle.get()) == 1 && virDomainDestroy(domain.handle.get()) < 0 &&
      virDomainIsActive(domain.handle.get()) == 1) {
    return last_error(fmt::format("cannot switch {} off", name));
  }
  unsigned all = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_NVRAM |
                 VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
  if (keeps_tpm(domain)) all |= VIR_DOMAIN_UNDEFINE_TPM;
  if (virDomainUndefineFlags(domain.handle.get(), all) < 0 && !last_is_missing()) {
    return last_error(fmt::format("cannot remove {}", name));
  }
  return ok();
}

// QEMU writes the console's log without libvirt knowing a volume of it: beside the disks, or where
// the machine says, which anybody may have edited, so that the name must be ours.
std::set<std::string> consoles_of(const std::vector<OwnVolume>& volumes,
                                  const std::string& in_domain, const std::string& migration_id) {
  std::set<std::string> paths;
  for (const OwnVolume& volume : volumes) {
    const auto slash = volume.path.rfind('/');
    if (slash == std::string::npos) continue;
    const VolumeName log{volume.name.machine, migration_id, "console"};
    paths.insert(volume.path.substr(0, slash + 1) + to_string(log));
  }
  const auto name = volume_name_from(in_domain.substr(in_domain.rfind('/') + 1));
  if (name && name->migration_id == migration_id && name->rest == "console") {
    paths.insert(in_domain);
  }
  return paths;
}

}  // namespace

Status destroy(Context& context, const std::string& id, const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  auto domain = find_domain(link.get(), id);
  if (!domain && domain.error().code != Errc::not_found) return domain.error();
  if (domain) {
    FLYT_TRY(look_at_disks(link.get(), *domain));
    FLYT_TRY(check_ours(domain->facts.machine, owner));
  }
  if (owner.id.empty()) return ok();
  FLYT_ASSIGN(const std::vector<OwnVolume> volumes,
              find_volumes(context, link.get(), owner.id, call));
  FLYT_TRY(check_unused(link.get(), volumes, id));
  if (domain && domain->facts.machine.power == Power::off) {
    FLYT_TRY(fence(context, *domain, owner, call));
  }
  FLYT_TRY(proceed(call, "removing a machine"));
  if (domain) FLYT_TRY(remove_domain(*domain));
  const std::string console = domain ? domain->facts.console : std::string();
  Status consoles;
  for (const std::string& path : consoles_of(volumes, console, owner.id)) {
    for (const std::string& file : log_files(path)) {
      Status gone = landing_remove(context.landing, file, call);
      if (consoles) consoles = std::move(gone);
    }
  }
  FLYT_TRY(drop_volumes(volumes, call));
  return consoles;
}

}  // namespace flyt::virt
