#include "drivers/proxmox/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/boot_disk.hpp"
#include "base/lower_case.hpp"
#include "base/nic_model.hpp"
#include "base/units.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::size_t longest_notes = 8192;  // of `description`, in characters
constexpr unsigned plain_mtu = 1500;
constexpr unsigned highest_vlan = 4094;

// In the order in which read_config() tells disks.
enum class Rank : std::uint8_t { ide, sata, scsi, virtio };

struct Kind {
  std::string_view prefix, options;
  unsigned limit;  // how many there can be
};
constexpr std::array<Kind, 4> kinds{{{"ide", ",discard=on,ssd=1", 4},
                                     {"sata", ",discard=on,ssd=1", 6},
                                     {"scsi", ",discard=on,ssd=1", 31},
                                     {"virtio", ",discard=on,iothread=1", 16}}};
const Kind& kind_of(Rank rank) { return kinds.at(static_cast<std::size_t>(rank)); }

struct Wish {
  Rank rank = Rank::sata;
  std::string_view scsihw;
};

// QEMU has no LSI53C1030, no LSI SAS and no BusLogic for Proxmox VE: a guest that knows those knows
// SATA, too.
Result<Wish> wish_of(const DiskSpec& disk, bool q35) {
  const std::string controller = lower_case(disk.controller);
  const bool paravirtual = controller.find("pvscsi") != std::string::npos ||
                           controller.find("virtualscsi") != std::string::npos;
  switch (disk.bus) {
    case Bus::virtio_blk:
      return Wish{Rank::virtio, {}};
    case Bus::virtio_scsi:
      return Wish{Rank::scsi, "virtio-scsi-single"};
    case Bus::scsi:
      if (paravirtual) return Wish{Rank::scsi, "pvscsi"};
      for (const std::string_view own : {"lsi53c810", "megasas", "lsi"}) {
        if (controller == own) return Wish{Rank::scsi, own};
      }
      return Wish{Rank::sata, {}};
    case Bus::ide:
      return Wish{q35 ? Rank::sata : Rank::ide, {}};
    case Bus::sata:
    case Bus::nvme:
    case Bus::unknown:
      return paravirtual ? Wish{Rank::scsi, "pvscsi"} : Wish{Rank::sata, {}};
    default:
      break;
  }
  return Error{Errc::unsupported,
               fmt::format("Proxmox VE gives machines no disks on {}", to_string(disk.bus)),
               "",
               "",
               "",
               {"convert the guest (convert = \"auto\"), or set the bus on the source first"}};
}

// The plan has said so of a card whose kind it left open (T-NIC-MODEL); no other one is made of a
// kind that nobody asked for.
Result<std::string> nic_model(const NicSpec& nic, bool virtio_guest) {
  if (nic.model.empty()) return std::string(virtio_guest ? "virtio" : "e1000");
  if (std::string model = neutral_nic_model(nic.model); !model.empty()) return model;
  return Error{Errc::unsupported,
               fmt::format("Proxmox VE has no network card {}", nic.model),
               "",
               "",
               "",
               {"convert the guest (convert = \"auto\"), or change the card on the source first"}};
}

Result<std::string> nic_text(const NicSpec& nic, const BridgeFacts& bridge, bool virtio_guest,
                             bool plugged) {
  if (nic.vlan && (*nic.vlan == 0 || *nic.vlan > highest_vlan)) {
    return Error{Errc::invalid, fmt::format("there is no VLAN {}", *nic.vlan)};
  }
  if (nic.vlan && bridge.vnet) {
    return Error{Errc::unsupported,
                 fmt::format("the virtual network {} has its own VLAN", bridge.name),
                 "",
                 "",
                 "",
                 {"map to the vnet without vlan = ..., or to a bridge with it"}};
  }
  FLYT_ASSIGN(const std::string model, nic_model(nic, virtio_guest));
  std::string text = model;
  if (!nic.mac.empty()) text += "=" + nic.mac;
  text += ",bridge=" + bridge.name;
  if (nic.vlan) text += fmt::format(",tag={}", *nic.vlan);
  // 1: as large as the bridge's.
  if (model == "virtio" && bridge.mtu.value_or(plain_mtu) != plain_mtu) text += ",mtu=1";
  if (!plugged) text += ",link_down=1";
  return text;
}

Status add_nics(const MachineSpec& spec, const Foundation& on, bool plugged, Params& params) {
  const bool virtio_guest =
      std::any_of(spec.disks.begin(), spec.disks.end(), [](const DiskSpec& disk) {
        return disk.bus == Bus::virtio_blk || disk.bus == Bus::virtio_scsi;
      });
  for (std::size_t i = 0; i < spec.nics.size(); ++i) {
    FLYT_ASSIGN(std::string text,
                within(fmt::format("network card {}", i),
                       nic_text(spec.nics[i], on.bridges[i], virtio_guest, plugged)));
    params.emplace_back(fmt::format("net{}", i), std::move(text));
  }
  return ok();
}

std::string notes_of(const MachineSpec& spec) {
  constexpr std::string_view cut = "\n[the rest of the notes did not fit]";
  if (spec.notes.size() <= longest_notes) return spec.notes;
  std::string text = spec.notes.substr(0, longest_notes - cut.size());
  // Not in the middle of a character.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
  return text.append(cut);
}

// What does not name disks and network cards.
Params base_params(const MachineSpec& spec, const Foundation& on, const Slots& slots) {
  const std::uint32_t sockets = spec.sockets == 0 ? 1 : spec.sockets;
  Params params{{"name", spec.name},
                {"description", notes_of(spec)},
                {"memory", std::to_string((spec.memory_bytes + mib - 1) / mib)},
                {"sockets", std::to_string(sockets)},
                {"cores", std::to_string(spec.cpus / sockets)},
                {"cpu", on.cpu},
                {"ostype", ostype_of(spec.guest)},
                {"bios", spec.firmware == FirmwareKind::uefi ? "ovmf" : "seabios"},
                {"localtime", spec.clock == ClockBase::local_time ? "1" : "0"}};
  if (spec.firmware == FirmwareKind::uefi) params.emplace_back("machine", "q35");
  if (!slots.scsihw.empty()) params.emplace_back("scsihw", slots.scsihw);
  if (!on.kvm) params.emplace_back("kvm", "0");
  if (!spec.uuid.empty()) params.emplace_back("smbios1", "uuid=" + spec.uuid);
  if (spec.guest.family == GuestFamily::linux || spec.guest.family == GuestFamily::windows) {
    params.emplace_back("agent", "enabled=1");
  }
  // A Linux guest may speak there; without a listener it costs nothing.
  if (spec.guest.family != GuestFamily::windows) params.emplace_back("serial0", "socket");
  const std::size_t boot = boot_disk(spec.disks);
  if (boot < slots.disks.size()) params.emplace_back("boot", "order=" + slots.disks[boot].key);
  return params;
}

// A controller is only there with something on it. A disk would need room, and have to be taken
// away; a drive without a disc does as well.
constexpr std::string_view empty_drive = "none,media=cdrom";
std::string drive_key(const MachineSpec& spec) { return fmt::format("scsi{}", spec.disks.size()); }

bool has_drive(const MachineSpec& spec, const Row& now) {
  return now.has(drive_key(spec)) && now.text(drive_key(spec)).starts_with(empty_drive);
}

// What firmware keeps, on the first disk's storage.
Status add_firmware(const MachineSpec& spec, const Foundation& on, Params& params) {
  if (on.disks.empty()) {
    if (!spec.tpm) return ok();
    return Error{Errc::unsupported, "without a disk there is no storage for the state of a TPM"};
  }
  const StorageFacts& storage = on.disks.front();
  if (spec.firmware == FirmwareKind::uefi) {
    params.emplace_back("efidisk0", fmt::format("{}:1,efitype=4m,pre-enrolled-keys={}{}",
                                                storage.id, spec.secure_boot ? 1 : 0,
                                                storage.has_files() ? ",format=qcow2" : ""));
  }
  // 8 knows no format for it: it is raw there, wherever it lies.
  if (spec.tpm) params.emplace_back("tpmstate0", storage.id + ":1,version=v2.0");
  return ok();
}

std::string format_for(const DiskSpec& disk, const StorageFacts& storage) {
  if (!storage.has_files()) return {};
  return disk.format.empty() ? "qcow2" : disk.format;
}

}  // namespace

std::string gib_text(std::uint64_t bytes) {
  const std::uint64_t size = (bytes + kib - 1) / kib;
  constexpr std::uint64_t per_gib = gib / kib;
  std::string text = std::to_string(size / per_gib);
  std::uint64_t rest = size % per_gib;
  if (rest != 0) text += '.';
  for (; rest != 0; rest %= per_gib) {
    rest *= 10;
    text += static_cast<char>('0' + rest / per_gib);
  }
  return text;
}

std::string ostype_of(const Guest& guest) {
  struct Word {
    std::string_view in, ostype;
  };
  // The first that is found; the names that people read come first, then VMware's ids.
  static constexpr std::array<Word, 28> windows{
      {{"2025", "win11"},          {"2022", "win11"},
       {"2019srvnext", "win11"},   {"windows 11", "win11"},
       {"windows11", "win11"},     {"win11", "win11"},
       {"2019", "win10"},          {"2016", "win10"},
       {"windows 10", "win10"},    {"windows9", "win10"},
       {"win10", "win10"},         {"2012", "win8"},
       {"windows 8", "win8"},      {"windows8", "win8"},
       {"win8", "win8"},           {"2008 r2", "win7"},
       {"windows7server", "win7"}, {"windows 7", "win7"},
       {"windows7", "win7"},       {"win7", "win7"},
       {"2008", "w2k8"},           {"longhorn", "w2k8"},
       {"vista", "wvista"},        {"2003", "w2k3"},
       {"winnet", "w2k3"},         {"xp", "wxp"},
       {"w2k8", "w2k8"},           {"w2k3", "w2k3"}}};
  const std::string text = lower_case(guest.name + " " + guest.id);
  if (guest.family == GuestFamily::linux) {
    return text.find("24x") != std::string::npos || text.find("l24") != std::string::npos ? "l24"
                                                                                          : "l26";
  }
  if (guest.family == GuestFamily::windows) {
    for (const Word& word : windows) {
      if (text.find(word.in) != std::string::npos) return std::string(word.ostype);
    }
    return "win10";
  }
  return text.find("solaris") != std::string::npos ? "solaris" : "other";
}

Result<Slots> slots_of(const MachineSpec& spec) {
  Slots slots;
  if (spec.first_start) slots.scsihw = "virtio-scsi-single";
  std::array<unsigned, kinds.size()> used{};
  Rank before = Rank::ide;
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    const std::string title = fmt::format("disk {}", i);
    FLYT_ASSIGN(Wish wish,
                within(title, wish_of(spec.disks[i], spec.firmware == FirmwareKind::uefi)));
    if (spec.first_start && i < most_on_sata) wish = {Rank::sata, {}};
    const bool same_controller =
        wish.rank == Rank::scsi && !slots.scsihw.empty() && slots.scsihw != wish.scsihw;
    if (wish.rank < before || same_controller) wish = {before, {}};
    const Kind& kind = kind_of(wish.rank);
    const unsigned number = used.at(static_cast<std::size_t>(wish.rank))++;
    if (number >= kind.limit) {
      return Error{Errc::unsupported,
                   fmt::format("{}: Proxmox VE has no more than {} disks on {}", title, kind.limit,
                               kind.prefix),
                   "",
                   "",
                   "",
                   {"convert the guest (convert = \"auto\"): there are 31 on virtio-scsi"}};
    }
    if (!wish.scsihw.empty()) slots.scsihw = wish.scsihw;
    std::string options(kind.options);
    if (wish.rank == Rank::scsi && slots.scsihw == "virtio-scsi-single") options += ",iothread=1";
    slots.disks.push_back({fmt::format("{}{}", kind.prefix, number), std::move(options)});
    before = wish.rank;
  }
  return slots;
}

Result<Params> create_params(const MachineSpec& spec, const Foundation& on) {
  FLYT_ASSIGN(const Slots slots, slots_of(spec));
  Params params = base_params(spec, on, slots);
  params.emplace_back("vmid", on.vmid);
  params.emplace_back("tags", spec.owner.id);
  if (!on.pool.empty()) params.emplace_back("pool", on.pool);
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    const StorageFacts& storage = on.disks[i];
    std::string text = fmt::format("{}:{}", storage.id, gib_text(spec.disks[i].size_bytes));
    const std::string format = format_for(spec.disks[i], storage);
    if (!format.empty()) text += ",format=" + format;
    params.emplace_back(slots.disks[i].key, text + slots.disks[i].options);
  }
  FLYT_TRY(add_firmware(spec, on, params));
  FLYT_TRY(add_nics(spec, on, false, params));
  return params;
}

Result<Params> update_params(const MachineSpec& spec, const Foundation& on, const Row& now,
                             const std::vector<ConfigDisk>& disks) {
  FLYT_ASSIGN(const Slots slots, slots_of(spec));
  Params params = base_params(spec, on, slots);
  FLYT_TRY(add_nics(spec, on, spec.plugged, params));
  std::vector<std::string> gone;
  for (std::size_t i = 0; i < slots.disks.size() && i < disks.size(); ++i) {
    if (slots.disks[i].key == disks[i].key) continue;
    params.emplace_back(slots.disks[i].key, disks[i].volume.text() + slots.disks[i].options);
    gone.push_back(disks[i].key);
  }
  for (const auto& entry : now.values) {
    if (is_nic(entry.first)) gone.push_back(entry.first);
  }
  if (spec.first_start && spec.disks.size() <= most_on_sata) {
    params.emplace_back(drive_key(spec), empty_drive);
  } else if (has_drive(spec, now)) {
    gone.push_back(drive_key(spec));
  }
  const auto asked = [&](const std::string& key) {
    return std::any_of(params.begin(), params.end(),
                       [&](const auto& param) { return param.first == key; });
  };
  gone.erase(std::remove_if(gone.begin(), gone.end(), asked), gone.end());
  if (!gone.empty()) params.emplace_back("delete", fmt::format("{}", fmt::join(gone, ",")));
  if (now.has("digest")) params.emplace_back("digest", now.text("digest"));
  return params;
}

}  // namespace flyt::proxmox
