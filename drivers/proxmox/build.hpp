// From what is asked for to the parameters that make it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/machine_spec.hpp"
#include "drivers/proxmox/cluster.hpp"
#include "drivers/proxmox/config.hpp"

namespace flyt::proxmox {

struct DiskSlot {
  std::string key;      // "virtio0"
  std::string options;  // ",discard=on,iothread=1"
};

// Which slot each disk gets, and the SCSI controller that goes with them. Slots ascend in the order
// in which read_config() tells disks, so that disk N of the spec is disk N of the machine: a disk
// whose bus comes before that of the disk before it gets that one's, whose driver the guest has,
// too.
struct Slots {
  std::vector<DiskSlot> disks;
  std::string scsihw;
};
Result<Slots> slots_of(const MachineSpec& spec);

// What the new machine stands on.
struct Foundation {
  std::string vmid, pool, cpu;
  bool kvm = true;
  std::vector<StorageFacts> disks;   // of spec.disks, as its node sees them
  std::vector<BridgeFacts> bridges;  // of spec.nics
};

// Both leave out the VM-GenerationID, which nobody but root may set.

// For POST /nodes/N/qemu: all of it, disks allocated in the same breath, network cards unplugged
// until update_params() of a spec that has them plugged: a copy must not be on the network while it
// is made.
Result<Params> create_params(const MachineSpec& spec, const Foundation& on);
// For POST .../config of a machine that create_params() made with the same disks; `delete` names
// what it no longer has. `now`: its configuration, `disks` what read_config() made of it. A disk
// whose slot is another one now keeps its volume.
Result<Params> update_params(const MachineSpec& spec, const Foundation& on, const Row& now,
                             const std::vector<ConfigDisk>& disks);

// Bytes as GiB with as many digits as it takes; rounded up to a KiB.
std::string gib_text(std::uint64_t bytes);

// Proxmox VE's word for a guest.
std::string ostype_of(const Guest& guest);

}  // namespace flyt::proxmox
