#include "drivers/proxmox/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "base/lower_case.hpp"
#include "base/units.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::size_t longest_migration_id = 25;  // "flyt-" and 20 characters

struct Slot {
  std::string_view prefix;
  Bus bus;
};
// In the order in which a machine's disks are told, and in which flyt gives them their places.
constexpr std::array<Slot, 4> slots{
    {{"ide", Bus::ide}, {"sata", Bus::sata}, {"scsi", Bus::scsi}, {"virtio", Bus::virtio_blk}}};

// The number at the end of `key` after `prefix`; nothing: another key.
std::optional<unsigned> number_after(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix) || key.size() == prefix.size()) return {};
  unsigned value = 0;
  const char* const end = key.data() + key.size();
  const auto [last, error] = std::from_chars(key.data() + prefix.size(), end, value);
  if (error != std::errc() || last != end) return {};
  return value;
}

// "1G", "528K", "1.5T" or bytes.
std::uint64_t size_of(const std::string& text) {
  if (text.empty()) return 0;
  const bool unit = std::string_view("KMGT").find(text.back()) != std::string_view::npos;
  const auto size = parse_size(unit ? text + "iB" : text);
  return size ? *size : 0;
}

GuestFamily family_of(std::string_view ostype) {
  if (ostype == "l24" || ostype == "l26") return GuestFamily::linux;
  if (ostype.starts_with("w")) return GuestFamily::windows;
  return ostype.empty() ? GuestFamily::unknown : GuestFamily::other;
}

class Reader {
 public:
  Reader(const Row& config, const std::string& vmid) : config_(config), vmid_(vmid) {}

  ConfigFacts read() {
    Machine& machine = facts_.machine;
    machine.id = vmid_;
    machine.name = config_.has("name") ? config_.text("name") : "VM " + vmid_;
    machine.notes = config_.text("description");
    machine.tags = words_of(config_.text("tags"), ";, ");
    machine.migration_id = migration_of(config_.text("tags"));
    facts_.row = config_;
    facts_.lock = config_.text("lock");
    facts_.digest = config_.text("digest");
    facts_.protect = config_.flag("protection");
    facts_.agent = PropertyString(config_.text("agent"), "enabled").get("enabled") == "1";
    read_identity();
    read_hardware();
    for (const auto& [key, value] : config_.values) read_device(key, value);
    sort_disks();
    mark_boot();
    return std::move(facts_);
  }

 private:
  void read_identity() {
    Machine& machine = facts_.machine;
    machine.smbios_uuid = PropertyString(config_.text("smbios1"), "").get("uuid");
    const std::string made = PropertyString(config_.text("meta"), "").get("ctime");
    // A number is given to another machine once its owner is gone.
    machine.uuid = !machine.smbios_uuid.empty() ? machine.smbios_uuid : vmid_ + "/" + made;
    const std::string generation = config_.text("vmgenid");
    if (generation.size() > 1) machine.generation_id = generation;
  }

  void read_hardware() {
    Machine& machine = facts_.machine;
    const auto sockets = config_.number("sockets").value_or(1);
    machine.sockets = static_cast<std::uint32_t>(sockets);
    machine.cpus = static_cast<std::uint32_t>(sockets * config_.number("cores").value_or(1));
    const auto memory = PropertyString(config_.text("memory"), "current").get("current");
    if (const auto size = parse_size((memory.empty() ? "512" : memory) + " MiB")) {
      machine.memory_bytes = *size;
    }
    machine.is_template = config_.flag("template");
    machine.firmware.kind =
        config_.text("bios") == "ovmf" ? FirmwareKind::uefi : FirmwareKind::bios;
    if (machine.firmware.kind == FirmwareKind::uefi) {
      const PropertyString efi(config_.text("efidisk0"), "file");
      machine.firmware.secure_boot = efi.get("pre-enrolled-keys") == "1";
    }
    machine.firmware.tpm = config_.has("tpmstate0");
    const std::string ostype = config_.text("ostype");
    machine.guest.family = family_of(ostype);
    machine.guest.id = ostype;
    machine.guest.name = ostype;
    const bool local = config_.has("localtime") ? config_.flag("localtime")
                                                : machine.guest.family == GuestFamily::windows;
    machine.clock = local ? ClockBase::local_time : ClockBase::utc;
    // At least; flyt's own are no reason for anything.
    const std::string parent = config_.text("parent");
    if (!parent.empty() && !parent.starts_with("flyt-")) machine.hosting.snapshots = 1;
  }

  void read_device(const std::string& key, const std::string& value) {
    Machine& machine = facts_.machine;
    if (disk_bus(key)) {
      read_drive(key, PropertyString(value, "file"));
    } else if (is_nic(key)) {
      read_nic(key, PropertyString(value, "model"));
    } else if (number_after(key, "hostpci")) {
      machine.devices.push_back({DeviceKind::passthrough, key, value});
    } else if (number_after(key, "usb")) {
      machine.devices.push_back({DeviceKind::usb, key, value});
    } else if (number_after(key, "serial")) {
      machine.devices.push_back({DeviceKind::serial, key, value});
    } else if (number_after(key, "parallel")) {
      machine.devices.push_back({DeviceKind::parallel, key, value});
    }
  }

  void read_drive(const std::string& key, const PropertyString& drive) {
    const std::string file = drive.get("file").empty() ? drive.get("volume") : drive.get("file");
    if (drive.get("media") == "cdrom") {
      facts_.machine.devices.push_back({DeviceKind::cdrom, key, file == "none" ? "" : file});
      return;
    }
    Disk disk;
    disk.id = key;
    disk.label = key;
    disk.size_bytes = size_of(drive.get("size"));
    for (const Slot& slot : slots) {
      if (number_after(key, slot.prefix)) disk.bus = slot.bus;
    }
    if (disk.bus == Bus::scsi) {
      disk.controller = config_.has("scsihw") ? config_.text("scsihw") : "lsi";
      if (disk.controller.starts_with("virtio")) disk.bus = Bus::virtio_scsi;
    }
    const VolumeId volume = VolumeId::parse(file);
    if (volume.storage.empty()) {
      disk.left_out = fmt::format("it is no volume of a storage: {}", file);
    } else {
      disk.uuid = volume.text();
      disk.storage = volume.storage;
      disk.format = drive.get("format").empty() ? volume.format() : drive.get("format");
    }
    facts_.machine.disks.push_back(std::move(disk));
    facts_.disks.push_back({key, volume});
  }

  // "virtio=MAC,bridge=..." or "model=virtio,macaddr=MAC,bridge=...".
  void read_nic(const std::string& key, const PropertyString& card) {
    constexpr std::array<std::string_view, 8> others{"bridge", "firewall", "link_down", "mtu",
                                                     "queues", "rate",     "tag",       "trunks"};
    Nic nic;
    nic.id = key;
    nic.model = card.get("model");
    nic.mac = lower_case(card.get("macaddr"));
    for (const auto& [name, value] : card.items()) {
      if (name == "model" || name == "macaddr") continue;
      if (std::find(others.begin(), others.end(), name) != others.end()) continue;
      nic.model = name;
      nic.mac = lower_case(value);
    }
    nic.network = card.get("bridge");
    nic.connected = card.get("link_down") != "1";
    facts_.machine.nics.push_back(std::move(nic));
  }

  void sort_disks() {
    std::vector<std::size_t> order(facts_.disks.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto place = [&](std::size_t i) {
      for (unsigned bus = 0; bus < slots.size(); ++bus) {
        if (const auto number = number_after(facts_.disks[i].key, slots[bus].prefix)) {
          return std::tuple(bus, *number);
        }
      }
      return std::tuple(static_cast<unsigned>(slots.size()), 0U);
    };
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    std::vector<Disk> disks;
    std::vector<ConfigDisk> places;
    for (const std::size_t i : order) {
      disks.push_back(std::move(facts_.machine.disks[i]));
      places.push_back(std::move(facts_.disks[i]));
    }
    facts_.machine.disks = std::move(disks);
    facts_.disks = std::move(places);
  }

  // "order=scsi0;net0", or the older "bootdisk: scsi0".
  void mark_boot() {
    const std::string order = PropertyString(config_.text("boot"), "legacy").get("order");
    std::vector<std::string> keys = words_of(order, ";");
    const std::string older = config_.text("bootdisk");
    if (order.empty() && !older.empty()) keys.push_back(older);
    for (const std::string& key : keys) {
      for (Disk& disk : facts_.machine.disks) {
        if (disk.id != key) continue;
        disk.boots = true;
        return;
      }
    }
  }

  const Row& config_;
  const std::string& vmid_;
  ConfigFacts facts_;
};

}  // namespace

VolumeId VolumeId::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return {};
  if (text.front() == '/') return {};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::string VolumeId::format() const {
  for (const std::string_view suffix : {".qcow2", ".vmdk"}) {
    if (name.ends_with(suffix)) return std::string(suffix.substr(1));
  }
  return "raw";
}

std::optional<std::string_view> disk_bus(std::string_view key) {
  for (const Slot& slot : slots) {
    if (number_after(key, slot.prefix)) return slot.prefix;
  }
  return {};
}

bool is_nic(std::string_view key) { return number_after(key, "net").has_value(); }

std::string migration_of(std::string_view tags) {
  for (std::string& tag : words_of(tags, ";, ")) {
    if (tag.starts_with("flyt-") && tag.size() == longest_migration_id) return std::move(tag);
  }
  return {};
}

ConfigFacts read_config(const Row& config, const std::string& vmid) {
  return Reader(config, vmid).read();
}

}  // namespace flyt::proxmox
