#include "drivers/libvirt/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/units.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/domain_build.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/firmware_offer.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/volumes.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::virt {
namespace {

Status check_spec(const MachineSpec& spec) {
  const auto wrong = [](std::string what) { return Error{Errc::invalid, std::move(what)}; };
  if (!can_name_files(spec.owner.id)) {
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

Error taken(std::string_view what, std::string_view value, const Machine& by, std::string remedy) {
  return {Errc::exists,
          fmt::format("the {} {} is taken by the machine {}", what, value, by.name),
          "",
          "",
          "nothing was made",
          {std::move(remedy)}};
}

Error taken_mac(const std::string& mac, const Machine& by) {
  return {Errc::exists,
          fmt::format("the MAC {} is taken by the machine {}", mac, by.name),
          "",
          "the machine was moved here before, or by hand",
          "nothing was made",
          {fmt::format("virsh domiflist {}", by.name)}};
}

// Before disks are made: libvirt would say it of Secure Boot only when the machine is started.
Status check_firmware(virConnectPtr link, const MachineSpec& spec) {
  if (!spec.secure_boot && !spec.tpm) return ok();
  const FirmwareOffer offer = firmware_offer(link);
  const auto lacks = [](const char* what, const char* remedy) {
    return Error{Errc::unsupported, what, "", "", "nothing was made", {remedy}};
  };
  if (spec.secure_boot && !offer.secure_boot) {
    return lacks("the host has no firmware for Secure Boot with keys in it",
                 "install it there (Debian: ovmf), or say secure_boot = false for the machine");
  }
  if (spec.tpm && !offer.tpm) {
    return lacks("the host emulates no TPM", "install swtpm there (Debian: swtpm, swtpm-tools)");
  }
  return ok();
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
    if (other.name == spec.name) {
      return taken("name", spec.name, other,
                   "give the machine another name in the site: [machines.NAME] name = ...");
    }
    if (!spec.uuid.empty() && other.uuid == spec.uuid) {
      return taken("UUID", spec.uuid, other,
                   "plan again: flyt plan leaves the UUID to the machine that has it");
    }
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

Result<Domain> define(virConnectPtr link, const std::string& xml, const std::string& name) {
  Domain domain(virDomainDefineXMLFlags(link, xml.c_str(), VIR_DOMAIN_DEFINE_VALIDATE));
  if (!domain) return last_error(fmt::format("cannot define the machine {}", name));
  return domain;
}

Result<Machine> read_back(virConnectPtr link, virDomainPtr defined) {
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  if (virDomainGetUUIDString(defined, uuid) < 0) return last_error("asking for a UUID");
  FLYT_ASSIGN(DomainHere domain, find_domain(link, uuid));
  FLYT_TRY(look_at_disks(link, domain));
  return std::move(domain.facts.machine);
}

// Whether libvirt says that it has no machine of this migration. What it does not say may be so:
// the answer to a definition can be lost with the connection.
bool surely_absent(virConnectPtr link, const std::string& migration_id) {
  const auto domains = list_domains(link);
  return domains && std::none_of(domains->begin(), domains->end(), [&](const DomainHere& one) {
           const Machine& machine = one.facts.machine;
           return machine.migration_id == migration_id || !machine.unreadable.empty();
         });
}

bool fits(const Disk& made, const DiskSpec& asked) {
  return made.size_bytes == whole_sectors(asked.size_bytes);
}

Result<Machine> already_made(virConnectPtr link, DomainHere& domain, const MachineSpec& spec) {
  FLYT_TRY(look_at_disks(link, domain));
  FLYT_TRY(check_as_asked(domain.facts.machine, spec, fits));
  return std::move(domain.facts.machine);
}

Result<Placement> placement_of(Context& context, virConnectPtr link, const MachineSpec& spec,
                               const Call& call) {
  Placement placement;
  FLYT_ASSIGN(placement.nics, place_nics(context, link, spec));
  FLYT_ASSIGN(placement.kvm, use_kvm(context, link, call));
  placement.disks.resize(spec.disks.size());
  return placement;
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
  FLYT_TRY(check_firmware(link.get(), spec));
  FLYT_ASSIGN(Placement placement, placement_of(context, link.get(), spec, call));
  // Says what cannot be described before anything is made.
  FLYT_TRY(build_domain(spec, placement));
  FLYT_ASSIGN(MadeVolumes volumes, make_volumes(context, link.get(), spec, call));
  placement.disks = volumes.disks;
  if (!volumes.folder.empty()) {
    const VolumeName log{file_safe(spec.name), spec.owner.id, "console"};
    placement.console = volumes.folder + "/" + to_string(log);
  }
  FLYT_ASSIGN(const std::string xml, build_domain(spec, placement));
  const Status going = proceed(call, fmt::format("defining {}", spec.name));
  auto defined = going ? define(link.get(), xml, spec.name) : Result<Domain>(going.error());
  if (defined) return read_back(link.get(), defined->get());
  if (!going || surely_absent(link.get(), spec.owner.id)) unmake(volumes);
  return defined.error();
}

Result<Machine> update(Context& context, const std::string& id, const MachineSpec& spec,
                       const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(DomainHere domain, find_domain(link.get(), id));
  FLYT_TRY(check_spec(spec));
  FLYT_TRY(look_at_disks(link.get(), domain));
  Machine& machine = domain.facts.machine;
  FLYT_TRY(check_ours(machine, spec.owner));
  if (machine.power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine.name)};
  }
  FLYT_TRY(check_same_disks(machine, spec, fits));
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
  FLYT_ASSIGN(const Domain changed, define(link.get(), xml, spec.name));
  return read_back(link.get(), changed.get());
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
  FLYT_TRY(look_at_disks(link.get(), domain));
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
  disk.reads_zero = true;  // if it is found empty
  disk.size_bytes = found->size_bytes;
  return open_landing(context.landing, disk, call);
}

}  // namespace flyt::virt
