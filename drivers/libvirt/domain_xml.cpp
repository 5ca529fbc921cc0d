#include "drivers/libvirt/domain_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "base/lower_case.hpp"

namespace flyt::virt {
namespace {

std::string text(const pugi::xml_node& node, const char* attribute) {
  return node.attribute(attribute).value();
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [last, code] = std::from_chars(digits.data(), end, value);
  if (code != std::errc() || last != end || digits.empty()) return std::nullopt;
  return value;
}

// <memory unit='KiB'>524288</memory>; KiB is the default.
std::optional<std::uint64_t> bytes_of(const pugi::xml_node& node) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 13> units{{
      {"b", 1},
      {"bytes", 1},
      {"KB", 1000},
      {"k", 1024},
      {"KiB", 1024},
      {"MB", 1000000},
      {"M", 1U << 20},
      {"MiB", 1U << 20},
      {"GB", 1000000000},
      {"G", 1U << 30},
      {"GiB", 1U << 30},
      {"T", std::uint64_t{1} << 40},
      {"TiB", std::uint64_t{1} << 40},
  }};
  const std::string unit = node.attribute("unit").as_string("KiB");
  const auto value = number(node.text().get());
  const auto* found =
      std::find_if(units.begin(), units.end(), [&](const auto& one) { return one.first == unit; });
  if (!value || found == units.end()) return std::nullopt;
  if (*value > UINT64_MAX / found->second) return std::nullopt;
  return *value * found->second;
}

Firmware firmware_of(const pugi::xml_node& domain) {
  Firmware firmware;
  const pugi::xml_node os = domain.child("os"), loader = os.child("loader");
  const bool efi = text(os, "firmware") == "efi" || text(loader, "type") == "pflash";
  firmware.kind = efi ? FirmwareKind::uefi : FirmwareKind::bios;
  firmware.secure_boot = efi && text(loader, "secure") == "yes";
  for (const pugi::xml_node feature : os.child("firmware").children("feature")) {
    if (text(feature, "name") == "secure-boot") {
      firmware.secure_boot = efi && text(feature, "enabled") == "yes";
    }
  }
  firmware.tpm = !domain.child("devices").child("tpm").empty();
  return firmware;
}

ClockBase clock_of(const pugi::xml_node& clock) {
  const std::string offset = clock.attribute("offset").as_string("utc");
  if (offset == "utc" || offset == "absolute") return ClockBase::utc;
  if (offset == "localtime" || offset == "timezone") return ClockBase::local_time;
  if (offset != "variable") return ClockBase::unknown;
  return text(clock, "basis") == "localtime" ? ClockBase::local_time : ClockBase::utc;
}

// A child of <metadata> by the local part of its name; the prefix is the writer's choice.
bool is_element(const pugi::xml_node& node, std::string_view local, std::string_view uri) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  const bool plain = colon == std::string_view::npos;
  if ((plain ? name : name.substr(colon + 1)) != local) return false;
  const std::string declared = plain ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  return text(node, declared.c_str()) == uri;
}

// By the vendor in libosinfo's id. What is not known to be Linux is not called so: conversion would
// be tried on it.
GuestFamily family_of(std::string_view id) {
  static constexpr std::array<std::string_view, 8> others{"freebsd",   "openbsd",  "netbsd",
                                                          "dragonfly", "solaris",  "openindiana",
                                                          "netware",   "apple.com"};
  static constexpr std::array<std::string_view, 24> linuxes{
      "debian.org",      "ubuntu.com",     "redhat.com/rhel", "fedoraproject.org",  "centos.org",
      "almalinux.org",   "rockylinux.org", "oracle.com/ol",   "scientificlinux",    "eurolinux",
      "circlelinux.org", "amazon.com",     "suse.com",        "opensuse.org",       "archlinux.org",
      "manjaro.org",     "alpinelinux",    "mageia.org",      "gentoo.org",         "altlinux",
      "nixos.org",       "voidlinux.org",  "endlessos.com",   "libosinfo.org/linux"};
  const auto names = [&](std::string_view word) { return id.find(word) != std::string::npos; };
  if (names("microsoft.com")) return GuestFamily::windows;
  if (std::any_of(others.begin(), others.end(), names)) return GuestFamily::other;
  if (std::any_of(linuxes.begin(), linuxes.end(), names)) return GuestFamily::linux;
  return GuestFamily::unknown;
}

// libosinfo's note of the guest: "http://debian.org/debian/12".
Guest guest_of(const pugi::xml_node& metadata) {
  Guest guest;
  for (const pugi::xml_node info : metadata.children()) {
    if (!is_element(info, "libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0")) continue;
    for (const pugi::xml_node os : info.children()) guest.id = text(os, "id");
  }
  if (guest.id.empty()) return guest;
  guest.family = family_of(guest.id);
  return guest;
}

// The model of the controller that a disk hangs on.
std::string controller_of(const pugi::xml_node& devices, const pugi::xml_node& disk,
                          const std::string& type) {
  const std::string index = disk.child("address").attribute("controller").as_string("0");
  for (const pugi::xml_node controller : devices.children("controller")) {
    if (text(controller, "type") == type && text(controller, "index") == index) {
      return text(controller, "model");
    }
  }
  return {};
}

void set_bus(Disk& disk, const pugi::xml_node& devices, const pugi::xml_node& node) {
  const std::string bus = text(node.child("target"), "bus");
  disk.controller = bus;
  if (bus == "virtio") {
    disk.bus = Bus::virtio_blk;
  } else if (bus == "scsi") {
    disk.controller = controller_of(devices, node, bus);
    const bool virtio = disk.controller.starts_with("virtio");
    disk.bus = virtio ? Bus::virtio_scsi : disk.controller.empty() ? Bus::unknown : Bus::scsi;
  } else {
    disk.bus = bus_from(bus);
  }
}

std::string left_out(const pugi::xml_node& node, const DomainDisk& disk) {
  const std::string type = text(node, "type");
  if (type == "network") return "its data lies on a network storage, which flyt does not read yet";
  if (disk.path.empty() && disk.volume.empty()) {
    return fmt::format("a disk of type {} is not supported", type);
  }
  if (disk.format != "raw" && disk.format != "qcow2") {
    return fmt::format("its format {} is not supported", disk.format);
  }
  if (!node.child("backingStore").child("source").empty()) {
    return "it stands on a backing image: flatten it first (virsh blockpull)";
  }
  if (!node.child("encryption").empty() || !node.child("source").child("encryption").empty()) {
    return "libvirt encrypts it, and the key is not read";
  }
  if (!node.child("transient").empty()) return "its changes are thrown away at every power-off";
  return {};
}

void add_disk(DomainFacts& facts, const pugi::xml_node& devices, const pugi::xml_node& node) {
  const std::string device = node.attribute("device").as_string("disk");
  if (device == "cdrom" || device == "floppy") return;
  const pugi::xml_node source = node.child("source");
  DomainDisk place;
  place.target = text(node.child("target"), "dev");
  place.format = node.child("driver").attribute("type").as_string("raw");
  place.path = text(source, text(node, "type") == "block" ? "dev" : "file");
  place.pool = text(source, "pool");
  place.volume = text(source, "volume");
  Disk disk;
  disk.label = place.target;
  disk.format = place.format;
  disk.left_out = device == "lun" ? "a SCSI device is passed through" : left_out(node, place);
  disk.boots = text(node.child("boot"), "order") == "1";
  set_bus(disk, devices, node);
  if (!node.child("shareable").empty()) {
    facts.machine.concerns.push_back(
        {"L-SHARED-DISK", Severity::blocker, facts.machine.name,
         fmt::format("disk {} is shared with other machines", place.target),
         "move the machines that share it together, by hand"});
  }
  facts.machine.disks.push_back(std::move(disk));
  facts.disks.push_back(std::move(place));
}

void add_nic(Machine& machine, const pugi::xml_node& node) {
  const pugi::xml_node source = node.child("source");
  Nic nic;
  nic.mac = lower_case(text(node.child("mac"), "address"));
  nic.id = nic.mac.empty() ? std::to_string(machine.nics.size()) : nic.mac;
  nic.model = text(node.child("model"), "type");
  for (const char* name : {"network", "bridge", "dev"}) {
    if (nic.network.empty()) nic.network = text(source, name);
  }
  if (text(node, "type") == "user") nic.network = "user";
  nic.connected = text(node.child("link"), "state") != "down";
  machine.nics.push_back(std::move(nic));
}

void add_concerns(Machine& machine, const pugi::xml_node& domain) {
  const pugi::xml_node devices = domain.child("devices");
  const auto add = [&](const char* code, Severity severity, std::string what, std::string remedy) {
    machine.concerns.push_back({code, severity, machine.name, std::move(what), std::move(remedy)});
  };
  if (!devices.child("hostdev").empty()) {
    add("L-HOSTDEV", Severity::blocker, "a device of the host is passed through",
        "remove it from the machine first");
  }
  if (!devices.child("filesystem").empty()) {
    add("L-FILESYSTEM", Severity::warning, "a folder of the host is shared with the guest",
        "it will not be there on the target");
  }
  if (machine.firmware.tpm.value_or(false)) {
    add("L-TPM", Severity::warning, "the state of its TPM does not travel",
        "have the recovery keys of what is sealed with it at hand");
  }
  if (machine.firmware.kind == FirmwareKind::uefi) {
    add("L-NVRAM", Severity::info, "UEFI variables (boot entries) do not travel",
        "the default boot path \\EFI\\BOOT is used on the target");
  }
}

// The disk that boots: order 1, else the first where <boot dev='hd'/> or nothing is said.
void mark_boot_disk(Machine& machine) {
  const bool said = std::any_of(machine.disks.begin(), machine.disks.end(),
                                [](const Disk& disk) { return disk.boots; });
  if (!said && !machine.disks.empty()) machine.disks.front().boots = true;
}

DomainFacts facts_of(const pugi::xml_node& domain) {
  DomainFacts facts;
  Machine& machine = facts.machine;
  const pugi::xml_node devices = domain.child("devices"), metadata = domain.child("metadata");
  // libvirt refuses to show the guest another uuid than the domain's.
  machine.id = machine.uuid = machine.smbios_uuid = domain.child("uuid").text().get();
  machine.generation_id = domain.child("genid").text().get();
  machine.name = domain.child("name").text().get();
  machine.notes = domain.child("description").text().get();
  for (const pugi::xml_node entry : metadata.children()) {
    if (is_element(entry, "migration", metadata_uri)) machine.migration_id = text(entry, "id");
  }
  if (const auto cpus = number(domain.child("vcpu").text().get()); cpus && *cpus <= UINT32_MAX) {
    machine.cpus = static_cast<std::uint32_t>(*cpus);
  }
  const std::string sockets = text(domain.child("cpu").child("topology"), "sockets");
  if (const auto count = number(sockets); count && *count <= UINT32_MAX) {
    machine.sockets = static_cast<std::uint32_t>(*count);
  }
  machine.memory_bytes = bytes_of(domain.child("memory"));
  machine.firmware = firmware_of(domain);
  machine.clock = clock_of(domain.child("clock"));
  machine.guest = guest_of(metadata);
  facts.emulation = text(domain, "type");
  for (const pugi::xml_node disk : devices.children("disk")) add_disk(facts, devices, disk);
  for (const pugi::xml_node nic : devices.children("interface")) add_nic(machine, nic);
  mark_boot_disk(machine);
  add_concerns(machine, domain);
  facts.console = text(devices.child("serial").child("log"), "file");
  for (const pugi::xml_node channel : devices.children("channel")) {
    const std::string name = text(channel.child("target"), "name");
    facts.agent_channel = facts.agent_channel || name == "org.qemu.guest_agent.0";
  }
  return facts;
}

}  // namespace

Result<DomainFacts> parse_domain(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const pugi::xml_node domain = document.child("domain");
  if (!parsed || domain.empty()) {
    return Error{Errc::corrupt, "libvirt's description of a domain cannot be read",
                 parsed ? "there is no <domain>" : parsed.description()};
  }
  if (!domain.child("uuid").text() || !domain.child("name").text()) {
    return Error{Errc::corrupt, "libvirt's description of a domain has no name or UUID"};
  }
  return facts_of(domain);
}

}  // namespace flyt::virt
