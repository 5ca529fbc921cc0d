// What create_machine() and update_machine() are asked for, and what observe() answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/inventory.hpp"
#include "base/machine.hpp"

namespace flyt {

// Who made an object. `id` is a migration id. `epoch` grows with every lease of the machine by a
// flyt process; what a lower epoch left running is ended before anything is written.
struct Owner {
  std::string id;
  std::uint64_t epoch = 0;
};

struct DiskSpec {
  std::uint64_t size_bytes = 0;  // the source's; the platform may round up
  Bus bus = Bus::unknown;        // unknown: the driver's best for an unconverted guest
  std::string controller;        // wanted model, as the source had it; may be empty
  std::string storage;           // Storage::name on the target
  std::string format;            // "raw", "qcow2"; empty: the driver's default
  bool boots = false;
  std::string land_by;  // as Storage::land_by said when it was planned; for people
};

struct NicSpec {
  std::string mac;      // kept from the source
  std::string network;  // Network::name on the target
  std::optional<std::uint32_t> vlan;
  // Neutral: "virtio", "e1000", "e1000e", "vmxnet3", "rtl8139", "pcnet"; empty: the driver's
  // choice.
  std::string model;
};

inline constexpr std::size_t most_on_sata = 6;  // ports of one controller

struct MachineSpec {
  Owner owner;
  std::string name;
  std::string uuid;   // the guest should read as the hardware's; empty: the platform's choice
  std::string notes;  // origin, for people
  std::uint32_t cpus = 1;
  std::uint32_t sockets = 0;  // 0: the driver's choice; else it divides `cpus`
  std::uint64_t memory_bytes = 0;
  FirmwareKind firmware = FirmwareKind::bios;
  bool secure_boot = false;  // with the keys that the platform enrols
  bool tpm = false;          // 2.0, new and empty; update_machine() keeps the one that is there
  ClockBase clock = ClockBase::utc;
  Guest guest;
  std::vector<DiskSpec> disks;  // bus order; update_machine never adds, removes or shrinks one
  std::vector<NicSpec> nics;
  std::string generation_id;  // as Machine::generation_id; empty: none
  bool is_template = false;   // publish() makes it one
  bool plugged = true;        // update_machine(): into its networks; in no plan
  // update_machine(): the first `most_on_sata` disks are on SATA, and the virtio-scsi controller
  // that `disks` ask for is there as well, so that the guest gets to know it; in no plan.
  bool first_start = false;
  // Volume::kind: no machine, but one volume of its only disk, which is called `name`. Of a file
  // that is no disk the bytes are kept as they are. Empty: a machine.
  std::string bare;
};

// What the platform says of a machine now.
struct Observation {
  Power power = Power::unknown;
  std::optional<bool> agent;  // the guest agent answered; nothing: there is no channel to ask
  std::string host_name;      // from the agent
  std::vector<std::string> addresses;  // from the agent or the platform, without prefix length
  Place place;
  std::string host;
};

// A piece of what a machine's serial console has said.
struct ConsoleText {
  bool known = false;        // false: the platform keeps no console, or none can be heard
  bool anew = false;         // a log begins: what was read before does not belong to it
  std::string text;          // at most 1 MiB
  std::string next;          // `after` of the next call
  bool more = false;         // there is more already
  std::string unheard = {};  // why nothing is known, for people; empty: nothing to tell
  std::string gap = {};      // what of it is not known, for people; empty: all is, from the start
};

}  // namespace flyt
