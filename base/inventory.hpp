// What a driver found on its platform: machines and the ground they stand on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/driver_info.hpp"
#include "base/enrolment.hpp"
#include "base/machine.hpp"

namespace flyt {

// Where something stands, as the platform itself says. Empty: it does not say.
struct Place {
  std::string provider;  // registry id, where the platform is a provider's
  std::string region;    // the platform's word; a zone beats a region
  std::string country;   // ISO 3166-1 alpha-2
  std::string site;
};

struct Host {
  std::string id, name;
  std::optional<std::uint32_t> cpus;
  std::optional<std::uint64_t> memory_bytes, memory_free_bytes;
  Place place;
  std::string cpu_model = {};                      // for people
  std::optional<std::uint32_t> busy_percent = {};  // of its processors, when it was looked at
};

struct Storage {
  std::string id, name;
  std::string kind;  // "dir", "lvm-thin", "datastore"
  std::optional<std::uint64_t> size_bytes, free_bytes;
  std::optional<bool> shared = {};  // all hosts that have it see the same
  // What the disks on it may grow to, as far as the login sees them: more than its size is promised
  // twice.
  std::optional<std::uint64_t> promised_bytes = {};
  std::string land_by;   // in which way disks come there, and why; for people. Empty: there is one
  bool doubles = false;  // while a disk lands there, it takes its room twice; in no document
  bool later = false;    // disks are sent there once their source is off (Lander); in no document
  // The kinds of volumes without a machine that flyt can make there: Volume::kind. One that keeps
  // some, and no disks, takes no machine's disks either.
  std::vector<std::string> keeps = {};
  bool takes(std::string_view volume_kind) const;
  bool takes_machines() const { return keeps.empty() || takes("disk"); }
};

// Room that disks take on their way to a storage, elsewhere than there.
struct Passage {
  std::string name;                         // "the state folder /srv/flyt"
  std::optional<std::uint64_t> free_bytes;  // nothing: it cannot be seen
  bool all_at_once = false;                 // of all disks of a plan; false: of one at a time
};

struct Network {
  std::string id, name;
  std::string kind;  // "bridge", "nat", "isolated", "portgroup"
  std::optional<std::uint32_t> vlan;
  std::optional<bool> active;
};

enum class AffinityKind : std::uint8_t { unknown, together, apart, on_hosts, off_hosts };

// What a cluster's scheduler has been told about its machines.
struct AffinityRule {
  std::string name, cluster;
  AffinityKind kind = AffinityKind::unknown;
  bool must = false;                  // not only where it can be had
  std::vector<std::string> machines;  // Machine::id
  std::vector<std::string> hosts;     // Host::id; of on_hosts and off_hosts
};

std::string_view to_string(AffinityKind value) noexcept;
AffinityKind affinity_kind_from(std::string_view text) noexcept;  // `unknown`: another word

// What lies on a storage and belongs to no machine.
struct Volume {
  std::string id, name, storage;
  // "disk", "iso", "template" (of containers), "backup"; "base": a disk that others stand on, which
  // is moved as a disk.
  std::string kind;
  std::string format;
  std::uint64_t size_bytes = 0;  // what it holds; of a file that is no disk its exact length
  std::string migration_id;      // a disk that flyt made and whose machine is gone
  std::string left_out;          // why it cannot be read; empty: it can
  std::string uuid;  // what tells it from another of its id, and goes with its content; empty: none
};

// One thing that somebody looked at and that is not as it must be.
struct Finding {
  std::string text;                 // one line
  std::vector<std::string> remedy;  // what to do; a command stands alone
  bool must = true;                 // false: worth knowing, what must work does
};

struct Inventory {
  std::string endpoint;     // its name in the site
  std::string driver;       // DriverInfo::name
  std::string platform;     // for people: "libvirt 9.0.0, QEMU 7.2.22 at kvm1"
  std::string platform_id;  // stable; part of the migration id. Never the endpoint's name
  Place place;
  std::vector<Machine> machines;  // readable or not: Machine::unreadable says why
  std::vector<Host> hosts;
  std::vector<Storage> storages;
  std::vector<Network> networks;
  std::vector<Passage> passages;  // to its storages; in no document
  std::vector<Volume> volumes;
  std::vector<AffinityRule> rules;  // in force
  std::vector<std::string> notes;   // for people: transport, acceleration and why
  bool can_cut_over = false;        // the platform's driver can: DriverInfo::can_cut_over()
  bool can_track = false;           // the same: Capability::tracking
  Capabilities can;                 // of the platform's driver; in no document
  bool dns_names = false;  // its machines have no names but such as hosts have (dns_name.hpp)
  // What machines that are made there can be given: Secure Boot with Microsoft's keys, and a TPM of
  // their own. Only where all is asked for; in no document.
  bool secure_boot = false, new_tpm = false;
  EnrolmentChoices choices;       // only with Scope::enrolments; in no document
  std::vector<Finding> findings;  // only with Scope::findings; in no document
};

// Storage::name, by which the site maps it; of a storage that is not told, its id.
std::string storage_name(const Inventory& inventory, const std::string& id);

// What inventory() should look at. All empty: everything. Hosts, storages and networks are told,
// and as they are now, whatever is asked for. A volume that is asked for by bare_id(), or that the
// migration made, is told as bare_machine().
struct Scope {
  std::string machine;                // Machine::id
  std::string migration_id;           // only what this migration made
  bool findings = false;              // also what would hinder a migration: rights, hosts, clocks
  bool source = true, target = true;  // findings: as which of the two the endpoint is to serve
  // What machines are to be enrolled with there: choices, and findings about the rights to.
  std::vector<Enrolment> enrolments = {};
};

}  // namespace flyt
