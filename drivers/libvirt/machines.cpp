#include "drivers/libvirt/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/units.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/domain_build.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/volumes.hpp"

namespace flyt::virt {
namespace {

Status check_spec(const MachineSpec& spec) {
  const auto wrong = [](std::string what) { return Error{Errc::invalid, std::move(what)}; };
  const std::string& id = spec.owner.id;
  if (!id.starts_with("flyt-") || id.find_first_of("./") != std::string::npos) {
    return wrong("a machine needs a migration id");
  }
  if (spec.name.empty() || spec.name.find('/') != std::string::npos) {
    return wrong(fmt::format("libvirt takes no machine named \"{}\"", spec.name));
  }
  if (spec.memory_bytes == 0 || spec.cpus == 0) {
    return wrong(fmt::format("{} needs memory and a processor", spec.name));
  }
  return ok();
}

Error taken(std::string_view what, std::string_view value, const Machine& by) {
  return {Errc::exists,
          fmt::format("the {} {} is taken by the machine {}", what, value, by.name),
          "",
          "",
          "nothing was made",
          {"give the machine another name in the site: [machines.NAME] name = ..."}};
}

Error taken_mac(const std::string& mac, const Machine& by) {
  return {Errc::exists,
          fmt::format("the MAC {} is taken by the machine {}", mac, by.name),
          "",
          "the machine was moved here before, or by hand",
          "nothing was made",
          {fmt::format("virsh domiflist {}", by.name)}};
}

// Clashes with anything that is not `own`.
Status check_free(const std::vector<DomainHere>& domains, const MachineSpec& spec,
                  const std::string& own) {
  std::set<std::string> macs;
  for (const NicSpec& nic : spec.nics) macs.insert(nic.mac);
  macs.erase("");
  for (const DomainHere& domain : domains) {
    const Machine& other = domain.facts.machine;
    if (other.id == own) continue;
    if (other.name == spec.name) return taken("name", spec.name, other);
    if (!spec.uuid.empty() && other.uuid == spec.uuid) return taken("UUID", spec.uuid, other);
    for (const Nic& nic : other.nics) {
      if (macs.contains(nic.mac)) return taken_mac(nic.mac, other);
    }
  }
  return ok();
}

Result<NicPlace> place_nic(virConnectPtr link, const std::vector<Network>& networks,
                           const NicSpec& nic) {
  const auto found = std::find_if(networks.begin(), networks.end(), [&](const Network& one) {
    return one.name == nic.network || one.id == nic.network;
  });
  if (found == networks.end()) {
    std::vector<std::string_view> known;
    known.reserve(networks.size());
    for (const Network& one : networks) known.push_back(one.name);
    Error error{Errc::not_found, fmt::format("there is no network or bridge {}", nic.network)};
    if (const auto near = nearest(nic.network, known); !near.empty()) {
      error.remedy.push_back(fmt::format("did you mean {}?", near));
    } else {
      error.remedy.emplace_back("virsh net-list --all");
    }
    return error;
  }
  const Error no_vlan{
      Errc::unsupported,
      fmt::format("{} cannot put a machine into VLAN {}", found->name, nic.vlan.value_or(0)),
      "",
      "only Open vSwitch tags frames for a machine",
      "",
      {"map to a bridge that stands in that VLAN, without vlan = ..."}};
  if (found->id == "user") return nic.vlan ? Result<NicPlace>(no_vlan) : NicPlace{"user", ""};
  if (found->id.starts_with("bridge:")) {
    return nic.vlan ? Result<NicPlace>(no_vlan) : NicPlace{"bridge", found->name};
  }
  if (nic.vlan) {
    const Net net(virNetworkLookupByName(link, found->name.c_str()));
    const auto facts = parse_network(net ? take(virNetworkGetXMLDesc(net.get(), 0)) : "");
    if (!facts || !facts->open_vswitch) return no_vlan;
  }
  return NicPlace{"network", found->name};
}

Result<std::vector<NicPlace>> place_nics(const Context& context, virConnectPtr link,
                                         const MachineSpec& spec) {
  std::vector<NicPlace> places;
  if (spec.nics.empty()) return places;
  FLYT_ASSIGN(const std::vector<Network> networks, list_networks(context, link));
  for (const NicSpec& nic : spec.nics) {
    FLYT_ASSIGN(NicPlace place, within(fmt::format("network card {}", places.size()),
                                       place_nic(link, networks, nic)));
    places.push_back(std::move(place));
  }
  return places;
}

Result<bool> use_kvm(Context& context, virConnectPtr link, const Call& call) {
  const std::string xml = take(virConnectGetCapabilities(link));
  if (xml.empty()) return last_error("asking for the host's capabilities");
  FLYT_ASSIGN(const CapabilityFacts capabilities, parse_capabilities(xml));
  FLYT_ASSIGN(const AccelChoice choice, context.acceleration.choose(capabilities.kvm, call));
  return choice.kvm;
}

Result<Machine> define(virConnectPtr link, const std::string& xml, const std::string& name) {
  DomainHere domain;
  domain.handle.reset(virDomainDefineXMLFlags(link, xml.c_str(), VIR_DOMAIN_DEFINE_VALIDATE));
  if (!domain.handle) return last_error(fmt::format("cannot define the machine {}", name));
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  if (virDomainGetUUIDString(domain.handle.get(), uuid) < 0) return last_error("asking for a UUID");
  FLYT_ASSIGN(domain, find_domain(link, uuid));
  look_at_disks(link, domain);
  return std::move(domain.facts.machine);
}

// A machine of this migration that is there already is the one that is asked for, or in the way.
Result<Machine> already_made(virConnectPtr link, DomainHere& domain, const MachineSpec& spec) {
  look_at_disks(link, domain);
  Machine& machine = domain.facts.machine;
  const auto differs = [&](std::string_view how) {
    return Error{Errc::exists,
                 fmt::format("{} was made by this migration, but {}", machine.name, how), "",
                 "an earlier plan made it otherwise", "it was not touched"};
  };
  if (machine.name != spec.name) return differs("under another name than " + spec.name);
  if (machine.disks.size() != spec.disks.size()) return differs("with other disks");
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    if (machine.disks[i].size_bytes != whole_sectors(spec.disks[i].size_bytes)) {
      return differs(fmt::format("disk {} has another size", i));
    }
  }
  return std::move(machine);
}

Error not_ours(const Machine& machine) {
  return {Errc::denied, fmt::format("{} was not made by this migration", machine.name), "", "",
          "it was not touched"};
}

Status check_ours(const Machine& machine, const Owner& owner) {
  if (!owner.id.empty() && machine.migration_id == owner.id) return ok();
  return not_ours(machine);
}

Status check_same_disks(DomainHere& domain, const MachineSpec& spec) {
  const Machine& machine = domain.facts.machine;
  if (machine.disks.size() != spec.disks.size()) {
    return Error{Errc::invalid, fmt::format("{} has {} disks, not {}", machine.name,
                                            machine.disks.size(), spec.disks.size())};
  }
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    const Disk& disk = machine.disks[i];
    const DiskSpec& wanted = spec.disks[i];
    if (disk.size_bytes != whole_sectors(wanted.size_bytes) ||
        (!wanted.format.empty() && wanted.format != disk.format)) {
      return Error{Errc::invalid,
                   fmt::format("{}: disk {} has {} bytes as {}, not {} as {}", machine.name, i,
                               disk.size_bytes, disk.format, wanted.size_bytes, wanted.format)};
    }
  }
  return ok();
}

Result<Placement> placement_of(Context& context, virConnectPtr link, const MachineSpec& spec,
                               const Call& call) {
  Placement placement;
  FLYT_ASSIGN(placement.nics, place_nics(context, link, spec));
  FLYT_ASSIGN(placement.kvm, use_kvm(context, link, call));
  placement.disks.resize(spec.disks.size());
  return placement;
}

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

Status remove_domain(const Context& context, const DomainHere& domain, const Call& call) {
  const std::string& name = domain.facts.machine.name;
  if (virDomainIsActive(domain.handle.get()) == 1 && virDomainDestroy(domain.handle.get()) < 0 &&
      virDomainIsActive(domain.handle.get()) == 1) {
    return last_error(fmt::format("cannot switch {} off", name));
  }
  const unsigned all = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_NVRAM |
                       VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                       VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
  if (virDomainUndefineFlags(domain.handle.get(), all) < 0 && !last_is_missing()) {
    return last_error(fmt::format("cannot remove {}", name));
  }
  if (domain.facts.console.empty()) return ok();
  return landing_remove(context.landing, domain.facts.console, call);
}

}  // namespace

Result<Machine> create(Context& context, const MachineSpec& spec, const Call& call) {
  FLYT_TRY(check_spec(spec));
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  const std::lock_guard lock(context.making);
  FLYT_ASSIGN(std::vector<DomainHere> domains, list_domains(link.get()));
  for (DomainHere& domain : domains) {
    if (domain.facts.machine.migration_id != spec.owner.id) continue;
    return already_made(link.get(), domain, spec);
  }
  FLYT_TRY(check_free(domains, spec, ""));
  FLYT_ASSIGN(Placement placement, placement_of(context, link.get(), spec, call));
  // Says what cannot be described before anything is made.
  FLYT_TRY(build_domain(spec, placement));
  FLYT_ASSIGN(MadeVolumes volumes, make_volumes(link.get(), spec, context.default_pool, call));
  placement.disks = volumes.disks;
  if (!volumes.folder.empty()) {
    const VolumeName log{file_safe(spec.name), spec.owner.id, "console"};
    placement.console = volumes.folder + "/" + to_string(log);
  }
  FLYT_ASSIGN(const std::string xml, build_domain(spec, placement));
  Status going = proceed(call, fmt::format("defining {}", spec.name));
  auto machine = going ? define(link.get(), xml, spec.name) : Result<Machine>(going.error());
  if (!machine) unmake(volumes);
  return machine;
}

Result<Machine> update(Context& context, const std::string& id, const MachineSpec& spec,
                       const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(DomainHere domain, find_domain(link.get(), id));
  FLYT_TRY(check_spec(spec));
  look_at_disks(link.get(), domain);
  Machine& machine = domain.facts.machine;
  FLYT_TRY(check_ours(machine, spec.owner));
  if (machine.power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine.name)};
  }
  FLYT_TRY(check_same_disks(domain, spec));
  FLYT_ASSIGN(const std::vector<DomainHere> domains, list_domains(link.get()));
  MachineSpec same = spec;
  same.uuid = machine.uuid;
  FLYT_TRY(check_free(domains, same, machine.id));
  FLYT_ASSIGN(Placement placement, placement_of(context, link.get(), spec, call));
  for (std::size_t i = 0; i < domain.facts.disks.size(); ++i) {
    placement.disks[i] = {domain.facts.disks[i].path, domain.facts.disks[i].format};
  }
  placement.console = domain.facts.console;
  FLYT_ASSIGN(const std::string xml, build_domain(same, placement));
  FLYT_TRY(proceed(call, fmt::format("changing {}", machine.name)));
  if (machine.name != spec.name && virDomainRename(domain.handle.get(), spec.name.c_str(), 0) < 0) {
    return last_error(fmt::format("cannot rename {} to {}", machine.name, spec.name));
  }
  return define(link.get(), xml, spec.name);
}

Status destroy(Context& context, const std::string& id, const Owner& owner, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  auto domain = find_domain(link.get(), id);
  if (!domain && domain.error().code != Errc::not_found) return domain.error();
  if (domain) {
    look_at_disks(link.get(), *domain);
    FLYT_TRY(check_ours(domain->facts.machine, owner));
    if (domain->facts.machine.power == Power::off) {
      FLYT_TRY(fence(context, *domain, owner, call));
    }
    FLYT_TRY(proceed(call, "removing a machine"));
    FLYT_TRY(remove_domain(context, *domain, call));
  }
  if (owner.id.empty()) return ok();
  return drop_volumes(link.get(), owner.id, call);
}

Result<std::unique_ptr<Channel>> open_disk(Context& context, const OpenSpec& spec,
                                           const Call& call) {
  if (!spec.view.empty() || !spec.since.empty()) {
    return Error{Errc::unsupported,
                 "libvirt machines are read when they are off: there are no "
                 "views and no change tracking yet"};
  }
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(DomainHere domain, find_domain(link.get(), spec.machine));
  look_at_disks(link.get(), domain);
  const Machine& machine = domain.facts.machine;
  const auto found = std::find_if(machine.disks.begin(), machine.disks.end(),
                                  [&](const Disk& disk) { return disk.id == spec.disk; });
  if (found == machine.disks.end()) {
    return Error{Errc::not_found, fmt::format("{} has no disk {}", machine.name, spec.disk)};
  }
  if (spec.use == Use::write) FLYT_TRY(check_ours(machine, spec.owner));
  if (machine.power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine.name),      "", "",
                 "",           {fmt::format("virsh shutdown {}", machine.name)}};
  }
  const std::string what = fmt::format("{}: {}", machine.name, found->label);
  if (!found->left_out.empty()) {
    return Error{Errc::unsupported, fmt::format("{} cannot be read", what), found->left_out};
  }
  const auto index = static_cast<std::size_t>(found - machine.disks.begin());
  const DomainDisk& place = domain.facts.disks[index];
  LandingDisk disk{what, place.path, place.format, spec.use, spec.owner};
  disk.shared = !spec.owner.id.empty() && machine.migration_id == spec.owner.id;
  disk.reads_zero = true;  // sparse files, made by us
  disk.size_bytes = found->size_bytes;
  return open_landing(context.landing, disk, call);
}

}  // namespace flyt::virt
