#include "drivers/ova/hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/lower_case.hpp"
#include "base/units.hpp"

namespace flyt::ova {
namespace {

// CIM_ResourceAllocationSettingData.ResourceType.
enum ResourceType : unsigned {
  other_device = 1,
  processor = 3,
  memory = 4,
  ide_controller = 5,
  scsi_controller = 6,
  network_card = 10,
  floppy_drive = 14,
  cd_drive = 15,
  dvd_drive = 16,
  disk_drive = 17,
  storage_controller = 20,
  serial_port = 21,
  parallel_port = 22,
  usb_controller = 23,
};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_word(std::string_view text, const std::vector<std::string_view>& words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return holds(text, word); });
}

std::uint64_t number_or(std::string_view text, std::uint64_t otherwise) {
  return ovf_number(text).value_or(otherwise);
}

// "ovf:/disk/vmdisk1" and "/disk/vmdisk1": kind and id.
std::pair<std::string_view, std::string_view> resource(std::string_view text) {
  if (text.substr(0, 4) == "ovf:") text.remove_prefix(4);
  text.remove_prefix(std::min(text.find_first_not_of('/'), text.size()));
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

bool is_mac(std::string_view text) {
  for (std::size_t i = 0; i != text.size(); ++i) {
    const bool digit = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (i % 3 == 2 ? text[i] != ':' : !digit) return false;
  }
  return text.size() == 17;
}

struct Controller {
  std::string instance;
  Bus bus = Bus::unknown;
  std::string word;
  std::uint64_t address = 0;
  std::size_t position = 0;  // in the document
};

// VMware's words for its models; "VirtualSCSI" is what everybody else calls pvscsi.
Controller controller_of(const OvfItem& item, std::size_t position) {
  const std::string model = lower_case(item.sub_type);
  Controller controller{item.instance, Bus::unknown, model, number_or(item.address, 0), position};
  if (item.type == ide_controller) {
    controller.bus = Bus::ide;
    controller.word = "ide";
  } else if (holds(model, "nvme")) {
    controller.bus = Bus::nvme;
    controller.word = "nvme";
  } else if (holds(model, "ahci") || holds(model, "sata")) {
    controller.bus = Bus::sata;
    controller.word = "ahci";
  } else if (item.type == scsi_controller || holds(model, "scsi") || holds(model, "lsilogic")) {
    controller.bus = Bus::scsi;
    if (model == "virtualscsi") controller.word = "pvscsi";
  }
  return controller;
}

class MachineBuilder {
 public:
  MachineBuilder(const OvfPackage& package, const OvfSystem& system)
      : package_(package), system_(system) {}

  Machine build() {
    machine_.name = system_.name.empty() ? system_.id : system_.name;
    machine_.notes = system_.notes;
    machine_.power = Power::off;
    set_guest();
    set_firmware();
    set_processors();
    set_memory();
    add_disks();
    add_nics();
    for (const OvfItem& item : system_.items) look_at(item);
    for (Concern& concern : machine_.concerns) concern.machine = machine_.name;
    return std::move(machine_);
  }

 private:
  void concern(std::string_view code, Severity severity, std::string text,
               std::string_view remedy = "") {
    machine_.concerns.push_back(
        {std::string(code), severity, "", std::move(text), std::string(remedy)});
  }

  bool is_vmware() const { return holds(system_.hardware, "vmx-"); }

  void set_guest() {
    machine_.guest.family = guest_family_of(system_);
    machine_.guest.id = system_.os_type.empty() ? system_.os_id : system_.os_type;
    machine_.guest.name = system_.os_name;
    if (machine_.guest.family == GuestFamily::windows) machine_.clock = ClockBase::local_time;
    if (machine_.guest.family == GuestFamily::linux) machine_.clock = ClockBase::utc;
  }

  const std::string* config(const std::string& key) const {
    const auto found = system_.config.find(key);
    return found == system_.config.end() ? nullptr : &found->second;
  }

  void set_firmware() {
    const std::string* kind = config("firmware");
    if (kind != nullptr) {
      machine_.firmware.kind = *kind == "efi" ? FirmwareKind::uefi : firmware_from(*kind);
    } else if (is_vmware()) {
      machine_.firmware.kind = FirmwareKind::bios;  // what VMware does when nothing is said
    }
    const std::string* secure = config("bootOptions.efiSecureBootEnabled");
    if (machine_.firmware.kind == FirmwareKind::bios) {
      machine_.firmware.secure_boot = false;
    } else if (secure != nullptr) {
      machine_.firmware.secure_boot = lower_case(*secure) == "true";
    }
    if (is_vmware()) machine_.firmware.tpm = false;  // until an item says otherwise
  }

  void set_processors() {
    std::uint64_t count = 0, cores = 0;
    for (const OvfItem& item : system_.items) {
      if (item.type != processor) continue;
      count += std::min<std::uint64_t>(number_or(item.quantity, 0), 4096);
      cores = number_or(item.cores_per_socket, cores);
    }
    if (count == 0 || count > 4096) {
      concern("O-CPUS", Severity::warning,
              "the descriptor does not say how many processors it has");
      return;
    }
    machine_.cpus = static_cast<std::uint32_t>(count);
    if (cores != 0 && count % cores == 0) {
      machine_.sockets = static_cast<std::uint32_t>(count / cores);
    }
  }

  void set_memory() {
    std::uint64_t total = 0;
    for (const OvfItem& item : system_.items) {
      if (item.type != memory) continue;
      const auto unit = ovf_unit(item.units, mib);
      const std::uint64_t count = number_or(item.quantity, 0);
      if (!unit || *unit == 0 || count > 1024 * tib / *unit) continue;
      total += count * *unit;
    }
    if (total == 0 || total > 1024 * tib) {
      concern("O-MEMORY", Severity::warning, "the descriptor does not say how much memory it has");
      return;
    }
    machine_.memory_bytes = total;
  }

  std::vector<Controller> controllers() const {
    std::vector<Controller> found;
    for (const OvfItem& item : system_.items) {
      if (item.type == ide_controller || item.type == scsi_controller ||
          item.type == storage_controller) {
        found.push_back(controller_of(item, found.size()));
      }
    }
    return found;
  }

  struct Placed {
    const OvfItem* item;
    Controller controller;
    std::uint64_t unit;
    std::size_t position;
    std::string id;
  };

  // The order in which a BIOS of VMware's meets them, as far as a descriptor tells.
  static auto place(const Placed& one) {
    const Controller& at = one.controller;
    constexpr std::array order{Bus::scsi, Bus::sata, Bus::nvme, Bus::ide, Bus::unknown};
    const auto rank = std::find(order.begin(), order.end(), at.bus) - order.begin();
    return std::tuple(rank, at.address, at.position, one.unit, one.position);
  }

  void add_disks() {
    std::vector<Placed> placed;
    const std::vector<Controller> all = controllers();
    for (const OvfItem& item : system_.items) {
      if (item.type != disk_drive) continue;
      const auto at = std::find_if(all.begin(), all.end(), [&item](const Controller& controller) {
        return controller.instance == item.parent;
      });
      placed.push_back({&item, at == all.end() ? Controller{} : *at,
                        number_or(item.address_on_parent, 0), placed.size(), disk_id(item)});
    }
    std::sort(placed.begin(), placed.end(),
              [](const Placed& a, const Placed& b) { return place(a) < place(b); });
    std::set<Bus> buses;
    std::set<std::string> ids;
    for (const Placed& one : placed) {
      buses.insert(one.controller.bus);
      Disk disk = disk_of(one);
      if (!ids.insert(disk.id).second) {
        disk.left_out = "it stands twice in the machine";
        disk.id += fmt::format("@{}", one.item->instance);
      }
      machine_.disks.push_back(std::move(disk));
    }
    if (!machine_.disks.empty()) machine_.disks.front().boots = true;
    if (buses.size() > 1) {
      concern("O-BOOT-DISK", Severity::info,
              fmt::format("its disks hang on several kinds of controllers; {} is taken for the one "
                          "that boots",
                          machine_.disks.front().label));
    }
  }

  static std::string disk_id(const OvfItem& item) {
    const auto [kind, id] = resource(item.host_resource);
    if (kind == "disk") return std::string(id);
    if (kind == "file") return fmt::format("{}{}", file_disk, id);
    return {};
  }

  Disk disk_of(const Placed& one) const {
    Disk disk;
    disk.id = one.id;
    disk.label = one.item->name;
    disk.bus = one.controller.bus;
    disk.controller = one.controller.word;
    disk.format = "unknown";
    if (const OvfDisk* known = find_disk(package_, one.id); known != nullptr) {
      disk.size_bytes = known->capacity_bytes;
      disk.used_bytes = known->populated_bytes;
    } else if (one.id.substr(0, file_disk.size()) != file_disk) {
      disk.id = fmt::format("item:{}", one.item->instance);
      disk.left_out = fmt::format("the descriptor has no disk \"{}\"", one.item->host_resource);
    }
    return disk;
  }

  void add_nics() {
    for (const OvfItem& item : system_.items) {
      if (item.type != network_card) continue;
      Nic nic;
      nic.id = item.instance;
      nic.mac = mac_of(item);
      nic.network = item.connection;
      nic.model = item.sub_type;
      nic.connected = item.automatic;
      const std::string model = lower_case(item.sub_type);
      if (holds(model, "sriov") || holds(model, "passthrough")) {
        concern("V-PASSTHROUGH", Severity::warning,
                fmt::format("{} is a piece of the source's hardware; an emulated one takes its "
                            "place",
                            item.name));
      }
      machine_.nics.push_back(std::move(nic));
    }
  }

  std::string mac_of(const OvfItem& item) {
    std::string mac = lower_case(item.address);
    std::replace(mac.begin(), mac.end(), '-', ':');
    if (!is_mac(mac)) {
      mac.clear();
      concern("O-MAC", Severity::warning,
              fmt::format("{} has no MAC address in the descriptor; it gets a new one", item.name),
              "where an address is bound to it (DHCP, licences), state it anew");
    }
    return mac;
  }

  // What stands in a machine and does not travel.
  void look_at(const OvfItem& item) {
    const std::string model = lower_case(item.sub_type);
    if (holds(model, "tpm") || holds(lower_case(item.name), "virtual tpm")) {
      machine_.firmware.tpm = true;
      concern(
          "V-VTPM", Severity::warning,
          "it has a virtual TPM, and no export holds the secrets in it",
          "in the guest, suspend what the TPM unlocks (BitLocker), remove the TPM, export again");
    } else if (holds(model, "pcipassthrough") || holds(model, "passthrough.pci") ||
               holds(model, "vgpu")) {
      concern("V-PASSTHROUGH", Severity::warning,
              fmt::format("{} is a piece of the source's hardware and stays there", item.name));
    } else if (item.type == cd_drive || item.type == dvd_drive || item.type == floppy_drive) {
      look_at_image(item);
    } else if (item.type == serial_port || item.type == parallel_port) {
      concern("V-DEVICE", Severity::info, fmt::format("{} does not travel", item.name));
    }
  }

  void look_at_image(const OvfItem& item) {
    const auto [kind, id] = resource(item.host_resource);
    if (id.empty()) return;  // an empty drive
    const OvfFile* file = kind == "file" ? find_file(package_, id) : nullptr;
    concern("V-CDROM", Severity::warning,
            fmt::format("{} holds {}, which is not attached on the target", item.name,
                        file == nullptr ? std::string(id) : file->href),
            "attach the image there when the guest needs it");
  }

  const OvfPackage& package_;
  const OvfSystem& system_;
  Machine machine_;
};

}  // namespace

Machine machine_of(const OvfPackage& package, const OvfSystem& system) {
  return MachineBuilder(package, system).build();
}

GuestFamily guest_family_of(const OvfSystem& system) {
  const std::string text = lower_case(fmt::format("{} {}", system.os_type, system.os_name));
  if (holds(text, "win") && !holds(text, "darwin")) return GuestFamily::windows;
  if (has_word(text, {"linux", "debian", "ubuntu", "rhel", "red hat", "centos", "sles", "suse",
                      "fedora", "coreos", "asianux", "photon", "rocky", "alma", "crxpod"})) {
    return GuestFamily::linux;
  }
  if (has_word(text, {"freebsd", "solaris", "darwin", "macos", "netware", "dosguest", "os2",
                      "unixware", "openserver", "ecomstation", "vmkernel"})) {
    return GuestFamily::other;
  }
  // CIM_OperatingSystem.OsType.
  const std::uint64_t id = number_or(system.os_id, 0);
  const bool linux_range = id >= 79 && id <= 101 && id != 81 && id != 88;
  if (id == 36 || linux_range || (id >= 106 && id <= 109)) return GuestFamily::linux;
  const bool windows_range = id >= 67 && id <= 77 && id != 68 && id != 75;
  if (id == 58 || windows_range || id == 103 || id == 105 || (id >= 111 && id <= 115)) {
    return GuestFamily::windows;
  }
  return GuestFamily::unknown;
}

const OvfFile* find_file(const OvfPackage& package, std::string_view id) {
  const auto found = std::find_if(package.files.begin(), package.files.end(),
                                  [id](const OvfFile& file) { return file.id == id; });
  return found == package.files.end() ? nullptr : &*found;
}

const OvfDisk* find_disk(const OvfPackage& package, std::string_view id) {
  const auto found = std::find_if(package.disks.begin(), package.disks.end(),
                                  [id](const OvfDisk& disk) { return disk.id == id; });
  return found == package.disks.end() ? nullptr : &*found;
}

}  // namespace flyt::ova
