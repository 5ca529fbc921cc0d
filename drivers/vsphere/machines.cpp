#include "drivers/vsphere/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/findings.hpp"
#include "drivers/vsphere/guests.hpp"
#include "drivers/vsphere/hosting.hpp"
#include "drivers/vsphere/identity.hpp"
#include "drivers/vsphere/power.hpp"
#include "drivers/vsphere/snapshots.hpp"

namespace flyt::vsphere {
namespace {

std::string why_unreadable(const Object& object) {
  const std::string connection = object.text("runtime.connectionState");
  if (!connection.empty() && connection != "connected") {
    return fmt::format("vCenter says that it is {}", connection);
  }
  if (!object.at("config.hardware")) {
    const auto missing = object.missing();
    if (!missing.empty()) {
      return fmt::format("{} is not told: {}", missing.front().first, missing.front().second);
    }
    return "vCenter tells nothing of its configuration";
  }
  return {};
}

void set_firmware(const Object& object, const Devices& devices, Machine& machine) {
  const std::string kind = object.text("config.firmware");
  machine.firmware.kind = kind == "efi"    ? FirmwareKind::uefi
                          : kind == "bios" ? FirmwareKind::bios
                                           : FirmwareKind::unknown;
  const auto secure = flag_child(object.at("config.bootOptions"), "efiSecureBootEnabled");
  machine.firmware.secure_boot =
      machine.firmware.kind == FirmwareKind::uefi && secure.value_or(false);
  machine.firmware.tpm = devices.tpm;
}

void set_size(pugi::xml_node hardware, Machine& machine) {
  if (const auto cpus = number_child(hardware, "numCPU"); cpus && *cpus > 0) {
    machine.cpus = static_cast<std::uint32_t>(*cpus);
    // 0: vSphere chooses, one core a socket.
    const auto cores = number_child(hardware, "numCoresPerSocket").value_or(1);
    if (cores > 0 && *cpus % cores == 0) {
      machine.sockets = static_cast<std::uint32_t>(*cpus / cores);
    }
  }
  if (const auto memory = number_child(hardware, "memoryMB"); memory && *memory > 0) {
    machine.memory_bytes = static_cast<std::uint64_t>(*memory) * mib;
  }
}

void set_guest(const Object& object, Machine& machine) {
  machine.guest.id = object.text("config.guestId");
  machine.guest.name = object.text("config.guestFullName");
  if (const auto told = object.text("guest.guestFullName"); !told.empty()) {
    machine.guest.name = told;
  }
  machine.guest.host_name = object.text("guest.hostName");
  machine.guest.family = guest_family(machine.guest.id, object.text("guest.guestFamily"));
  if (machine.guest.family == GuestFamily::windows) machine.clock = ClockBase::local_time;
  if (machine.guest.family == GuestFamily::linux) machine.clock = ClockBase::utc;
}

void set_identity(const Object& object, Machine& machine) {
  machine.smbios_uuid =
      guest_uuid(object.text("config.uuid"), object.text("config.version"), machine.guest.family);
  machine.generation_id = generation_id(object.at("config.extraConfig"));
}

// Allocated bytes by the file that a disk writes to: of its whole chain. vCenter measures them from
// time to time.
std::map<std::string, std::uint64_t> used_bytes(const Object& object) {
  std::map<std::string, std::uint64_t> by_key, by_disk;
  for (const pugi::xml_node file : object.at("layoutEx.file").children()) {
    const auto size = number_child(file, "size");
    if (xml_child_text(file, "type") != "diskExtent" || !size || *size < 0) continue;
    by_key[xml_child_text(file, "key")] = static_cast<std::uint64_t>(*size);
  }
  for (const pugi::xml_node disk : object.at("layoutEx.disk").children()) {
    std::uint64_t sum = 0;
    for (const pugi::xml_node link : xml_children(disk, "chain")) {
      for (const pugi::xml_node key : xml_children(link, "fileKey")) {
        const auto found = by_key.find(xml_text(key));
        if (found != by_key.end()) sum += found->second;
      }
    }
    by_disk[xml_child_text(disk, "key")] = sum;
  }
  return by_disk;
}

void add_disks(const Object& object, const Surroundings& around, SourceMachine& found) {
  const auto used = used_bytes(object);
  for (const DeviceDisk& from : found.devices.disks) {
    Disk disk;
    disk.id = from.key;
    disk.uuid = from.uuid;
    disk.label = from.label;
    disk.size_bytes = from.size_bytes;
    if (const auto bytes = used.find(from.key); bytes != used.end()) {
      disk.used_bytes = std::min(bytes->second, from.size_bytes);
    }
    disk.bus = from.bus;
    disk.controller = from.controller;
    disk.format = "vmdk";
    disk.boots = from.key == found.devices.boots;
    if (const auto store = around.datastores.find(from.datastore);
        store != around.datastores.end()) {
      disk.storage = store->second.storage.id;
    }
    found.machine.disks.push_back(std::move(disk));
  }
}

// Addresses by the device key of the card.
std::map<std::string, std::vector<std::string>> addresses(const Object& object) {
  std::map<std::string, std::vector<std::string>> all;
  for (const pugi::xml_node net : object.at("guest.net").children()) {
    for (const pugi::xml_node address : xml_children(net, "ipAddress")) {
      all[xml_child_text(net, "deviceConfigId")].push_back(xml_text(address));
    }
  }
  return all;
}

void add_nics(const Object& object, const Surroundings& around, SourceMachine& found) {
  const auto told = addresses(object);
  for (const DeviceNic& from : found.devices.nics) {
    Nic nic = from.nic;
    const Network* known = around.network_of(from);
    nic.network = known != nullptr ? known->name : from.named;
    if (const auto here = told.find(nic.id); here != told.end()) nic.addresses = here->second;
    found.machine.nics.push_back(std::move(nic));
  }
}

std::vector<std::string> attributes(const Object& object, const Surroundings& around) {
  std::vector<std::string> tags;
  for (const pugi::xml_node value : object.at("customValue").children()) {
    const auto name = around.attributes.find(xml_child_text(value, "key"));
    const std::string text = xml_child_text(value, "value");
    if (name == around.attributes.end() || text.empty()) continue;
    tags.push_back(fmt::format("{}:{}", name->second, text));
  }
  return tags;
}

}  // namespace

PropertySpec machine_properties() {
  PropertySpec spec{"VirtualMachine",
                    {"name",
                     "parent",
                     "parentVApp",
                     "customValue",
                     "config.annotation",
                     "config.bootOptions",
                     "config.firmware",
                     "config.guestFullName",
                     "config.guestId",
                     "config.hardware",
                     "config.instanceUuid",
                     "config.template",
                     "config.uuid",
                     "config.version",
                     "guest.guestFamily",
                     "guest.guestFullName",
                     "guest.hostName",
                     "guest.net",
                     "layoutEx.disk",
                     "runtime.connectionState",
                     "runtime.powerState"}};
  for (std::string& path : hosting_properties()) spec.paths.push_back(std::move(path));
  for (std::string& path : finding_properties()) spec.paths.push_back(std::move(path));
  return spec;
}

SourceMachine machine_of(const Object& object, const Surroundings& around) {
  SourceMachine found;
  Machine& machine = found.machine;
  machine.id = object.ref().value;
  machine.name = plain_name(object.text("name"));
  machine.uuid = object.text("config.instanceUuid");
  if (machine.uuid.empty()) machine.uuid = object.text("config.uuid");
  const Ref vapp = object.ref_at("parentVApp");
  machine.folder =
      vapp.empty() ? around.folder_of(object.ref_at("parent")) : around.folder_in(vapp);
  found.host = object.ref_at("runtime.host");
  machine.host = found.host.value;
  machine.power = power_of(object.text("runtime.powerState"));
  machine.unreadable = why_unreadable(object);
  if (!machine.unreadable.empty()) return found;
  machine.tags = attributes(object, around);
  machine.notes = object.text("config.annotation");
  found.tracked = object.text("config.changeTrackingEnabled") == "true";
  machine.is_template = object.text("config.template") == "true";
  found.foreign_snapshots = !foreign_snapshots(object.at("snapshot")).empty();
  const pugi::xml_node hardware = object.at("config.hardware");
  found.devices = devices_of(hardware, object.at("config.bootOptions"));
  set_size(hardware, machine);
  set_firmware(object, found.devices, machine);
  set_guest(object, machine);
  add_disks(object, around, found);
  add_nics(object, around, found);
  set_identity(object, machine);
  machine.devices = found.devices.others;
  machine.tools = tools_of(object);
  machine.hosting = hosting_of(object, found.devices, around);
  machine.concerns = found.devices.concerns;
  for (Concern& one : findings(object, found, around)) machine.concerns.push_back(std::move(one));
  return found;
}

}  // namespace flyt::vsphere
