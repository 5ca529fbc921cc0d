#include "drivers/vsphere/devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "base/lower_case.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

struct ControllerType {
  std::string_view type;
  Bus bus;
  std::string_view word;  // VMware's own, as an OVF has it too
};
constexpr std::array controller_types{
    ControllerType{"ParaVirtualSCSIController", Bus::scsi, "pvscsi"},
    ControllerType{"VirtualAHCIController", Bus::sata, "ahci"},
    ControllerType{"VirtualBusLogicController", Bus::scsi, "buslogic"},
    ControllerType{"VirtualIDEController", Bus::ide, "ide"},
    ControllerType{"VirtualLsiLogicController", Bus::scsi, "lsilogic"},
    ControllerType{"VirtualLsiLogicSASController", Bus::scsi, "lsilogicsas"},
    ControllerType{"VirtualNVMEController", Bus::nvme, "nvme"},
};

struct NicType {
  std::string_view type, model;
};
constexpr std::array nic_types{
    NicType{"VirtualE1000", "E1000"},     NicType{"VirtualE1000e", "E1000e"},
    NicType{"VirtualPCNet32", "PCNet32"}, NicType{"VirtualVmxnet", "VmxNet"},
    NicType{"VirtualVmxnet2", "VmxNet2"}, NicType{"VirtualVmxnet3", "VmxNet3"},
};

struct Controller {
  Bus bus = Bus::unknown;
  std::string_view type, word;
  std::int64_t number = 0;
  bool shared = false;
};

struct Placed {
  DeviceDisk disk;
  Controller controller;
  std::int64_t unit = 0;
};

// The order in which VMware's firmware meets them when nothing else is said.
auto place(const Placed& one) {
  constexpr std::array order{Bus::scsi, Bus::sata, Bus::nvme, Bus::ide, Bus::unknown};
  const auto rank = std::find(order.begin(), order.end(), one.controller.bus) - order.begin();
  return std::tuple(rank, one.controller.number, one.unit, one.disk.key);
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

class Reader {
 public:
  Reader(pugi::xml_node hardware, pugi::xml_node boot) : hardware_(hardware), boot_(boot) {}

  Devices read() {
    for (const pugi::xml_node device : xml_children(hardware_, "device")) note_controller(device);
    for (const pugi::xml_node device : xml_children(hardware_, "device")) look_at(device);
    std::sort(placed_.begin(), placed_.end(),
              [](const Placed& a, const Placed& b) { return place(a) < place(b); });
    std::set<Bus> buses;
    for (Placed& one : placed_) {
      buses.insert(one.controller.bus);
      found_.disks.push_back(std::move(one.disk));
    }
    choose_boot_disk(buses.size() > 1);
    return std::move(found_);
  }

 private:
  void concern(std::string_view code, Severity severity, std::string text,
               std::string_view remedy = "") {
    found_.concerns.push_back(
        {std::string(code), severity, "", std::move(text), std::string(remedy)});
  }

  static std::string label(pugi::xml_node device) {
    return xml_child_text(xml_child(device, "deviceInfo"), "label");
  }

  void note_controller(pugi::xml_node device) {
    const std::string type = type_of(device);
    for (const ControllerType& known : controller_types) {
      if (known.type != type) continue;
      const std::string sharing = xml_child_text(device, "sharedBus");
      controllers_[xml_child_text(device, "key")] = {known.bus, known.type, known.word,
                                                     number_child(device, "busNumber").value_or(0),
                                                     !sharing.empty() && sharing != "noSharing"};
    }
  }

  void look_at(pugi::xml_node device) {
    const std::string type = type_of(device);
    if (type == "VirtualDisk") return add_disk(device);
    for (const NicType& known : nic_types) {
      if (known.type == type) return add_nic(device, known.model);
    }
    if (type == "VirtualTPM") {
      found_.tpm = true;
      return;
    }
    if (type == "VirtualSriovEthernetCard") {
      concern(
          "V-PASSTHROUGH", Severity::warning,
          label(device) + " is a piece of the source's hardware; an emulated one takes its place");
      return add_nic(device, "");
    }
    if (holds(type, "Passthrough") || type == "VirtualUSB") {
      add_other(device, type == "VirtualUSB" ? DeviceKind::usb : DeviceKind::passthrough);
      concern("V-PASSTHROUGH", Severity::warning,
              label(device) + " is a piece of the source's hardware and stays there");
    } else if (type == "VirtualCdrom" || type == "VirtualFloppy") {
      add_other(device, type == "VirtualCdrom" ? DeviceKind::cdrom : DeviceKind::floppy);
      look_at_drive(device);
    } else if (type == "VirtualSerialPort" || type == "VirtualParallelPort") {
      add_other(device, type == "VirtualSerialPort" ? DeviceKind::serial : DeviceKind::parallel);
      concern("V-DEVICE", Severity::info, label(device) + " does not travel");
    }
  }

  void add_other(pugi::xml_node device, DeviceKind kind) {
    const pugi::xml_node backing = xml_child(device, "backing");
    Device other{kind, label(device), {}};
    for (const char* name : {"fileName", "deviceName", "pipeName", "vgpu"}) {
      if (other.backing.empty()) other.backing = xml_child_text(backing, name);
    }
    found_.others.push_back(std::move(other));
  }

  void look_at_drive(pugi::xml_node device) {
    const std::string image = xml_child_text(xml_child(device, "backing"), "fileName");
    if (image.empty()) return;
    concern("V-CDROM", Severity::warning,
            fmt::format("{} holds {}, which is not attached on the target", label(device), image),
            "attach the image there when the guest needs it");
  }

  void add_disk(pugi::xml_node device) {
    Placed placed;
    DeviceDisk& disk = placed.disk;
    disk.key = xml_child_text(device, "key");
    disk.label = label(device);
    if (const auto bytes = number_child(device, "capacityInBytes"); bytes && *bytes > 0) {
      disk.size_bytes = static_cast<std::uint64_t>(*bytes);
    } else if (const auto kib = number_child(device, "capacityInKB"); kib && *kib > 0) {
      disk.size_bytes = static_cast<std::uint64_t>(*kib) * 1024;
    }
    const auto at = controllers_.find(xml_child_text(device, "controllerKey"));
    if (at != controllers_.end()) placed.controller = at->second;
    placed.unit = number_child(device, "unitNumber").value_or(0);
    disk.bus = placed.controller.bus;
    disk.controller = placed.controller.word;
    if (at != controllers_.end()) {
      disk.place =
          fmt::format("{}{}:{}", placed.controller.type, placed.controller.number, placed.unit);
    }
    read_backing(xml_child(device, "backing"), placed.controller.shared, disk);
    placed_.push_back(std::move(placed));
  }

  static void read_backing(pugi::xml_node backing, bool shared_bus, DeviceDisk& disk) {
    disk.file = disk.base_file = xml_child_text(backing, "fileName");
    disk.uuid = xml_child_text(backing, "uuid");
    disk.change_id = xml_child_text(backing, "changeId");
    disk.datastore = ref_child(backing, "datastore");
    disk.thin = flag_child(backing, "thinProvisioned").value_or(false);
    disk.encrypted = static_cast<bool>(xml_child(backing, "keyId"));
    for (auto parent = xml_child(backing, "parent"); parent; parent = xml_child(parent, "parent")) {
      disk.base_file = xml_child_text(parent, "fileName");
      ++disk.snapshots;
    }
    const std::string raw = xml_child_text(backing, "compatibilityMode");
    const std::string sharing = xml_child_text(backing, "sharing");
    if (raw == "physicalMode") {
      disk.mode = DiskMode::raw_physical;
    } else if (shared_bus || sharing == "sharingMultiWriter") {
      disk.mode = DiskMode::shared;
    } else if (xml_child_text(backing, "diskMode").starts_with("independent")) {
      disk.mode = DiskMode::independent;
    } else if (raw == "virtualMode") {
      disk.mode = DiskMode::raw_virtual;
    }
  }

  void add_nic(pugi::xml_node device, std::string_view model) {
    DeviceNic card;
    card.nic.id = xml_child_text(device, "key");
    card.nic.model = model;
    card.nic.mac = lower_case(xml_child_text(device, "macAddress"));
    const pugi::xml_node plug = xml_child(device, "connectable");
    card.nic.connected = flag_child(plug, "startConnected");
    const pugi::xml_node backing = xml_child(device, "backing");
    card.network = ref_child(backing, "network");
    card.named = xml_child_text(backing, "deviceName");
    card.key = xml_child_text(xml_child(backing, "port"), "portgroupKey");
    if (const auto id = xml_child_text(backing, "opaqueNetworkId"); !id.empty()) card.key = id;
    found_.nics.push_back(std::move(card));
  }

  void choose_boot_disk(bool several_kinds) {
    for (const pugi::xml_node entry : xml_children(boot_, "bootOrder")) {
      const std::string key = xml_child_text(entry, "deviceKey");
      for (const DeviceDisk& disk : found_.disks) {
        if (type_of(entry) == "VirtualMachineBootOptionsBootableDiskDevice" && disk.key == key) {
          found_.boots = key;
          return;
        }
      }
    }
    if (found_.disks.empty()) return;
    found_.boots = found_.disks.front().key;
    if (several_kinds) {
      concern("V-BOOT-DISK", Severity::info,
              fmt::format("its disks hang on several kinds of controllers; {} is taken for the one "
                          "that boots",
                          found_.disks.front().label));
    }
  }

  pugi::xml_node hardware_, boot_;
  std::map<std::string, Controller> controllers_;
  std::vector<Placed> placed_;
  Devices found_;
};

}  // namespace

Devices devices_of(pugi::xml_node hardware, pugi::xml_node boot) {
  return Reader(hardware, boot).read();
}

std::string left_out_of_views(const DeviceDisk& disk) {
  switch (disk.mode) {
    case DiskMode::independent:
      return "it is independent of snapshots";
    case DiskMode::raw_physical:
      return "it is a raw mapping in physical mode, outside snapshots";
    case DiskMode::shared:
      return "it is shared with other machines, and a shared disk has no snapshots";
    case DiskMode::ordinary:
    case DiskMode::raw_virtual:
      break;
  }
  return {};
}

Result<DatastorePath> parse_datastore_path(const std::string& text) {
  const auto end = text.find("] ");
  if (text.empty() || text[0] != '[' || end == std::string::npos || end + 2 == text.size()) {
    return Error{Errc::corrupt, fmt::format("{:?} names no file on a datastore", text)};
  }
  return DatastorePath{text.substr(1, end - 1), text.substr(end + 2)};
}

}  // namespace flyt::vsphere
