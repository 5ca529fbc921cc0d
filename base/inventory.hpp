// What a driver found on its platform: machines and the ground they stand on; and what a driver
// can.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enrolment.hpp"
#include "base/machine.hpp"

namespace flyt {

// What a driver can do, as data. Conformance checks both directions.
enum class Capability : std::uint8_t {
  observe,   // observe()
  view,      // make_view(), drop_view()
  tracking,  // set_tracking(), OpenSpec::since
  read,      // open(Use::read)
  write,     // open(Use::write)
  create,    // create_machine()
  update,    // update_machine()
  destroy,   // destroy()
  power,     // set_power()
  land,      // land(): what is written is not yet where the machine reads it
  enrol,     // enrol()
};

class Capabilities {
 public:
  constexpr Capabilities() = default;
  constexpr Capabilities(std::initializer_list<Capability> all) {
    for (const Capability one : all) bits_ |= bit(one);
  }
  constexpr bool has(Capability one) const { return (bits_ & bit(one)) != 0; }

 private:
  static constexpr std::uint32_t bit(Capability one) { return 1U << static_cast<unsigned>(one); }
  std::uint32_t bits_ = 0;
};

struct DriverInfo {
  std::string name;     // value of `driver =`
  std::string version;  // of the driver, for evidence
  Capabilities can;
  unsigned max_concurrency = 1;  // calls that may be in flight at once
  // Machines that run can be copied, shut down and synced once more.
  bool can_cut_over() const { return can.has(Capability::view) && can.has(Capability::power); }
  bool kvm = false;  // guests run under KVM on this machine, as far as is known without trying
  // Tells what stands in a file. No disk can be opened; a plan made from a saved inventory is
  // applied with a driver of the platform itself, one from an export is made anew.
  bool record = false;
};

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
};

struct Storage {
  std::string id, name;
  std::string kind;  // "dir", "lvm-thin", "datastore"
  std::optional<std::uint64_t> size_bytes, free_bytes;
  std::string land_by;  // in which way disks come there, and why; for people. Empty: there is one
  bool doubles =
      false;  // while a disk lands there, it takes its room a second time; in no document
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

// A disk image, ISO or template that belongs to no machine.
struct Volume {
  std::string id, name, storage;
  std::string kind;  // "disk", "iso", "template"
  std::string format;
  std::uint64_t size_bytes = 0;
  std::string migration_id;  // a disk that flyt made and whose machine is gone
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
  bool can_enrol = false;           // the same: Capability::enrol
  bool dns_names = false;    // its machines have no names but such as hosts have (dns_name.hpp)
  EnrolmentChoices choices;  // only with Scope::enrolments; in no document
  std::vector<Finding> findings;  // only with Scope::findings; in no document
};

// What inventory() should look at. All empty: everything. Hosts, storages and networks are told,
// and as they are now, whatever is asked for.
struct Scope {
  std::string machine;                // Machine::id
  std::string migration_id;           // only what this migration made
  bool findings = false;              // also what would hinder a migration: rights, hosts, clocks
  bool source = true, target = true;  // findings: as which of the two the endpoint is to serve
  // What machines are to be enrolled with there: choices, and findings about the rights to.
  std::vector<Enrolment> enrolments = {};
};

}  // namespace flyt
