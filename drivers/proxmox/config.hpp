// A machine's configuration as Proxmox VE keeps it, and the machine that it describes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"
#include "drivers/proxmox/answers_json.hpp"

namespace flyt::proxmox {

// "local:100/vm-100-disk-0.qcow2". Either part empty: it names no volume.
struct VolumeId {
  std::string storage, name;
  static VolumeId parse(std::string_view text);
  std::string text() const { return storage + ":" + name; }
  std::string format() const;  // by the suffix: "qcow2", "vmdk", else "raw"
};

struct ConfigDisk {
  std::string key;  // "scsi0"
  VolumeId volume;
};

struct ConfigFacts {
  Machine machine;                // without host and power; sizes as the configuration has them
  std::vector<ConfigDisk> disks;  // of machine.disks
  std::string lock;               // "backup", "migrate": what is being done to it. Empty: nothing
  std::string digest;             // of the configuration; a change may demand it
  Row row;                        // as it was read
  bool agent = false;             // a channel to the guest agent is there
  bool protect = false;           // it may not be removed
};

// Never fails: what it does not know is unknown. `vmid` becomes Machine::id. Disks stand by bus
// (ide, sata, scsi, virtio) and number.
ConfigFacts read_config(const Row& config, const std::string& vmid);

// "flyt-..." among tags separated by ';', ',' or spaces; empty: none.
std::string migration_of(std::string_view tags);

// Slots of disks: "ide0" to "virtio15". Nothing: another key.
std::optional<std::string_view> disk_bus(std::string_view key);
bool is_nic(std::string_view key);  // "net0"

}  // namespace flyt::proxmox
