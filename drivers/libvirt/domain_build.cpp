#include "drivers/libvirt/domain_build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <sstream>
#include <string_view>

#include "base/boot_disk.hpp"
#include "base/digest.hpp"
#include "base/lower_case.hpp"
#include "base/nic_model.hpp"
#include "drivers/libvirt/domain_xml.hpp"

namespace flyt::virt {
namespace {

// A child with attributes, in the order given.
pugi::xml_node add(pugi::xml_node parent, const char* name,
                   std::initializer_list<std::pair<const char*, std::string>> attributes = {},
                   const std::string& content = {}) {
  pugi::xml_node node = parent.append_child(name);
  for (const auto& [key, value] : attributes) node.append_attribute(key).set_value(value.c_str());
  if (!content.empty()) node.text().set(content.c_str());
  return node;
}

// Where a disk of one bus goes: libvirt's word for the bus, the controller's model, the prefix of
// the device name, how many fit on one controller, and whether there may be another one.
struct Slot {
  std::string_view bus, model, prefix;
  unsigned limit = 26;
  bool more = false;
};

constexpr Slot sata_slot{"sata", "", "sd", 6, true};
constexpr Slot virtio_scsi_slot{"scsi", "virtio-scsi", "sd", 64, true};

// SCSI controllers of other platforms and what of QEMU comes nearest. QEMU has no LSI53C1030 and no
// BusLogic: the Fusion-MPT SAS controller has the same driver family in the guest.
Slot scsi_slot(const std::string& wanted) {
  if (wanted.find("pvscsi") != std::string::npos || wanted.find("virtualscsi") != std::string::npos)
    return {"scsi", "vmpvscsi", "sd", 16, true};
  return {"scsi", "lsisas1068", "sd", 8, true};
}

Result<Slot> slot_of(const DiskSpec& disk, bool q35) {
  const std::string wanted = lower_case(disk.controller);
  switch (disk.bus) {
    case Bus::virtio_blk:
      return Slot{"virtio", "", "vd"};
    case Bus::virtio_scsi:
      return virtio_scsi_slot;
    case Bus::scsi:
      return scsi_slot(wanted);
    case Bus::ide:
      return q35 ? sata_slot : Slot{"ide", "", "hd", 4};
    case Bus::sata:
    case Bus::nvme:  // QEMU's cannot be had through libvirt; guests that know NVMe know SATA
      return sata_slot;
    case Bus::unknown:
      if (wanted.find("scsi") != std::string::npos || wanted.find("lsi") != std::string::npos) {
        return scsi_slot(wanted);
      }
      return sata_slot;
    default:
      break;
  }
  return Error{Errc::unsupported,
               fmt::format("libvirt gives machines no disks on {}", to_string(disk.bus)),
               "",
               "",
               "",
               {"convert the guest (convert = \"auto\"), or set the bus on the source first"}};
}

std::string migration_wwn(const MachineSpec& spec, std::size_t index) {
  const Digest digest = sha256(fmt::format("{}/{}", spec.owner.id, index));
  return "5000c5" + to_hex(digest).substr(0, 10);
}

// Controllers as needed, in the order in which they were first asked for.
class Controllers {
 public:
  explicit Controllers(pugi::xml_node devices) : devices_(devices) {}

  // `nth` of those of its kind.
  std::string index_of(const Slot& slot, unsigned nth) {
    const std::string key = fmt::format("{}/{}/{}", slot.bus, slot.model, nth);
    const auto known = indexes_.find(key);
    if (known != indexes_.end()) return known->second;
    const std::string index = std::to_string(next_[std::string(slot.bus)]++);
    pugi::xml_node node =
        add(devices_, "controller", {{"type", std::string(slot.bus)}, {"index", index}});
    if (!slot.model.empty())
      node.append_attribute("model").set_value(std::string(slot.model).c_str());
    return indexes_[key] = index;
  }

 private:
  pugi::xml_node devices_;
  std::map<std::string, std::string> indexes_;
  std::map<std::string, unsigned> next_;
};

// The place on its controller. libvirt would put the second disk of a VMware SCSI controller on
// logical unit 1, which QEMU refuses there.
void add_address(pugi::xml_node node, const Slot& slot, unsigned place,
                 const std::string& controller) {
  const std::string number = std::to_string(place);
  if (slot.bus == "ide") {
    add(node, "address",
        {{"type", "drive"},
         {"controller", controller},
         {"bus", std::to_string(place / 2)},
         {"target", "0"},
         {"unit", std::to_string(place % 2)}});
  } else if (slot.bus == "sata") {
    add(node, "address",
        {{"type", "drive"},
         {"controller", controller},
         {"bus", "0"},
         {"target", "0"},
         {"unit", number}});
  } else if (slot.bus == "scsi") {
    add(node, "address",
        {{"type", "drive"},
         {"controller", controller},
         {"bus", "0"},
         {"target", number},
         {"unit", "0"}});
  }
}

// sda to sdz, sdaa, ...
std::string device_name(std::string_view prefix, unsigned number) {
  std::string letters;
  for (unsigned left = number + 1; left > 0; left = (left - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (left - 1) % 26));
  }
  return std::string(prefix) + letters;
}

Status add_disks(pugi::xml_node devices, const MachineSpec& spec, const Placement& placement,
                 bool q35) {
  Controllers controllers(devices);
  std::map<std::string, unsigned> on_controller, with_prefix;
  const std::size_t boot = boot_disk(spec.disks);
  if (spec.first_start) controllers.index_of(virtio_scsi_slot, 0);
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    FLYT_ASSIGN(Slot slot, within(fmt::format("disk {}", i), slot_of(spec.disks[i], q35)));
    if (spec.first_start && i < most_on_sata) slot = sata_slot;
    const unsigned place = on_controller[fmt::format("{}/{}", slot.bus, slot.model)]++;
    const unsigned number = with_prefix[std::string(slot.prefix)]++;
    if (place >= slot.limit && !slot.more) {
      return Error{Errc::unsupported,
                   fmt::format("disk {}: more than {} disks on {}", i, slot.limit, slot.bus)};
    }
    const std::string controller =
        slot.bus == "virtio" ? std::string() : controllers.index_of(slot, place / slot.limit);
    pugi::xml_node node = add(devices, "disk", {{"type", "file"}, {"device", "disk"}});
    const DiskPlace& where = placement.disks[i];
    add(node, "driver", {{"name", "qemu"}, {"type", where.format}, {"discard", "unmap"}});
    add(node, "source", {{"file", where.path}});
    add(node, "target",
        {{"dev", device_name(slot.prefix, number)}, {"bus", std::string(slot.bus)}});
    // Linux' mptsas finds no disk without a world-wide name.
    if (slot.model == "lsisas1068") add(node, "wwn", {}, migration_wwn(spec, i));
    if (i == boot) add(node, "boot", {{"order", "1"}});
    add_address(node, slot, place % slot.limit, controller);
  }
  return ok();
}

Result<std::string> nic_model(const NicSpec& nic, bool virtio_guest) {
  if (nic.model.empty()) return std::string(virtio_guest ? "virtio" : "e1000");
  if (std::string model = neutral_nic_model(nic.model); !model.empty()) return model;
  return Error{Errc::unsupported,
               fmt::format("libvirt has no network card {}", nic.model),
               "",
               "",
               "",
               {"convert the guest (convert = \"auto\")"}};
}

Status add_nics(pugi::xml_node devices, const MachineSpec& spec, const Placement& placement) {
  const bool virtio_guest =
      std::any_of(spec.disks.begin(), spec.disks.end(), [](const DiskSpec& disk) {
        return disk.bus == Bus::virtio_blk || disk.bus == Bus::virtio_scsi;
      });
  for (std::size_t i = 0; i < spec.nics.size(); ++i) {
    const NicSpec& nic = spec.nics[i];
    const NicPlace& where = placement.nics[i];
    FLYT_ASSIGN(const std::string model,
                within(fmt::format("network card {}", i), nic_model(nic, virtio_guest)));
    pugi::xml_node node = add(devices, "interface", {{"type", where.type}});
    if (!nic.mac.empty()) add(node, "mac", {{"address", nic.mac}});
    if (where.type != "user") add(node, "source", {{where.type.c_str(), where.source}});
    if (nic.vlan) add(add(node, "vlan"), "tag", {{"id", std::to_string(*nic.vlan)}});
    add(node, "model", {{"type", model}});
    if (!spec.plugged) add(node, "link", {{"state", "down"}});
  }
  return ok();
}

void add_platform(pugi::xml_node domain, const MachineSpec& spec, bool kvm, bool q35) {
  const bool uefi = spec.firmware == FirmwareKind::uefi;
  pugi::xml_node os = add(domain, "os");
  if (uefi) os.append_attribute("firmware").set_value("efi");
  add(os, "type", {{"arch", "x86_64"}, {"machine", q35 ? "q35" : "pc"}}, "hvm");
  if (uefi) {
    const std::string secure = spec.secure_boot ? "yes" : "no";
    pugi::xml_node firmware = add(os, "firmware");
    add(firmware, "feature", {{"enabled", secure}, {"name", "enrolled-keys"}});
    add(firmware, "feature", {{"enabled", secure}, {"name", "secure-boot"}});
  }
  pugi::xml_node features = add(domain, "features");
  add(features, "acpi");
  add(features, "apic");
  if (uefi && spec.secure_boot) add(features, "smm", {{"state", "on"}});
  pugi::xml_node cpu = add(domain, "cpu", {{"mode", kvm ? "host-model" : "maximum"}});
  if (spec.sockets > 0) {
    add(cpu, "topology",
        {{"sockets", std::to_string(spec.sockets)},
         {"cores", std::to_string(spec.cpus / spec.sockets)},
         {"threads", "1"}});
  }
  const bool local = spec.clock == ClockBase::local_time;
  pugi::xml_node clock = add(domain, "clock", {{"offset", local ? "localtime" : "utc"}});
  add(clock, "timer", {{"name", "rtc"}, {"tickpolicy", "catchup"}});
  add(clock, "timer", {{"name", "pit"}, {"tickpolicy", "delay"}});
  add(clock, "timer", {{"name", "hpet"}, {"present", "no"}});
  add(domain, "on_poweroff", {}, "destroy");
  add(domain, "on_reboot", {}, "restart");
  add(domain, "on_crash", {}, "destroy");
}

void add_usual_devices(pugi::xml_node devices, const std::string& console) {
  pugi::xml_node serial = add(devices, "serial", {{"type", "pty"}});
  if (!console.empty()) add(serial, "log", {{"file", console}, {"append", "off"}});
  add(serial, "target", {{"port", "0"}});
  pugi::xml_node channel = add(devices, "channel", {{"type", "unix"}});
  add(channel, "target", {{"type", "virtio"}, {"name", "org.qemu.guest_agent.0"}});
  add(devices, "input", {{"type", "tablet"}, {"bus", "usb"}});
  pugi::xml_node graphics = add(devices, "graphics", {{"type", "vnc"}, {"autoport", "yes"}});
  add(graphics, "listen", {{"type", "address"}, {"address", "127.0.0.1"}});
  add(add(devices, "video"), "model", {{"type", "vga"}});
  add(devices, "memballoon", {{"model", "virtio"}});
  add(add(devices, "rng", {{"model", "virtio"}}), "backend", {{"model", "random"}}, "/dev/urandom");
}

}  // namespace

Result<std::string> build_domain(const MachineSpec& spec, const Placement& placement) {
  if (spec.disks.size() != placement.disks.size() || spec.nics.size() != placement.nics.size()) {
    return Error{Errc::internal, "a disk or network card was not placed"};
  }
  if (spec.sockets > 0 && spec.cpus % spec.sockets != 0) {
    return Error{Errc::invalid, fmt::format("{} processors do not fill {} sockets evenly",
                                            spec.cpus, spec.sockets)};
  }
  const bool q35 = spec.firmware == FirmwareKind::uefi;
  pugi::xml_document document;
  pugi::xml_node domain =
      add(document.root(), "domain", {{"type", placement.kvm ? "kvm" : "qemu"}});
  add(domain, "name", {}, spec.name);
  if (!spec.uuid.empty()) add(domain, "uuid", {}, spec.uuid);
  if (!spec.generation_id.empty()) add(domain, "genid", {}, spec.generation_id);
  if (!spec.notes.empty()) add(domain, "description", {}, spec.notes);
  pugi::xml_node metadata = add(domain, "metadata");
  add(metadata, "flyt:migration",
      {{"xmlns:flyt", std::string(metadata_uri)}, {"id", spec.owner.id}});
  add(domain, "memory", {{"unit", "bytes"}}, std::to_string(spec.memory_bytes));
  add(domain, "vcpu", {{"placement", "static"}}, std::to_string(spec.cpus));
  add_platform(domain, spec, placement.kvm, q35);
  pugi::xml_node devices = add(domain, "devices");
  FLYT_TRY(add_disks(devices, spec, placement, q35));
  FLYT_TRY(add_nics(devices, spec, placement));
  add_usual_devices(devices, placement.console);
  if (spec.tpm) {
    add(add(devices, "tpm", {{"model", "tpm-crb"}}), "backend",
        {{"type", "emulator"}, {"version", "2.0"}});
  }
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace flyt::virt
