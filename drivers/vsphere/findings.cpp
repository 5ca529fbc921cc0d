#include "drivers/vsphere/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/lower_case.hpp"
#include "base/units.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/guests.hpp"
#include "drivers/vsphere/identity.hpp"
#include "drivers/vsphere/snapshots.hpp"

namespace flyt::vsphere {
namespace {

using enum Severity;

// What backup programs leave in attributes, notes and names of snapshots; lower case.
constexpr std::array<std::string_view, 14> backup_words{
    "acronis", "arcserve", "avamar",    "backup",    "bareos", "cohesity", "commvault",
    "nakivo",  "nbu_",     "netbackup", "networker", "rubrik", "veeam",    "vprotect"};

// What virt-v2v wants free in a guest's file systems, in its manual.
struct Space {
  std::string_view path;
  std::int64_t least;
};
constexpr std::array spaces{Space{"/", 100'000'000}, Space{"/boot", 50'000'000},
                            Space{"C:\\", 100'000'000}};

bool speaks_of_backup(const std::string& text) {
  const std::string plain = lower_case(text);
  return std::any_of(backup_words.begin(), backup_words.end(), [&plain](std::string_view word) {
    return plain.find(word) != std::string::npos;
  });
}

constexpr std::string_view backup = "V-BACKUP";

class Finder {
 public:
  Finder(const Object& object, const SourceMachine& source, const Surroundings& around)
      : object_(object), source_(source), machine_(source.machine), around_(around) {}

  std::vector<Concern> find() {
    look_at_snapshots();
    look_at_backups();
    look_at_disks();
    look_at_networks();
    look_at_hosting();
    look_at_rules();
    look_at_tools();
    look_at_guest();
    return std::move(found_);
  }

 private:
  void add(std::string_view code, Severity severity, std::string text, std::string remedy = {}) {
    found_.push_back({std::string(code), severity, "", std::move(text), std::move(remedy)});
  }

  void look_at_snapshots() {
    const std::uint32_t count = machine_.hosting.snapshots.value_or(0);
    if (count > 0) {
      add("V-SNAPSHOTS", warning,
          fmt::format("{} snapshot{} of its own: only its present state is copied", count,
                      count == 1 ? "" : "s"),
          "remove on the source those that nobody needs");
    }
    if (machine_.hosting.snapshot_memory.value_or(false)) {
      add("V-SNAPSHOT-MEMORY", info,
          "a snapshot holds the machine's memory, which does not travel");
    }
    if (machine_.hosting.consolidation_needed.value_or(false)) {
      add("V-CONSOLIDATE", warning, "its disks have to be consolidated",
          "consolidate its disks on the source, then plan again");
    }
  }

  void look_at_backups() {
    for (const std::string& name : foreign_snapshots(object_.at("snapshot"))) {
      if (!speaks_of_backup(name)) continue;
      return add(backup, warning, fmt::format("the snapshot {:?} looks like a backup's", name),
                 "let the backup end, and pause its job until the machine has been moved");
    }
  }

  void look_at_disks() {
    for (const DeviceDisk& disk : source_.devices.disks) {
      const auto store = around_.datastores.find(disk.datastore);
      if (store != around_.datastores.end() && !store->second.accessible) {
        add("V-DATASTORE", blocker,
            fmt::format("{} lies on {}, which cannot be reached", disk.label,
                        store->second.storage.name),
            "mend the datastore, then plan again");
      }
      if (disk.mode == DiskMode::raw_virtual) {
        add("V-RDM", info,
            fmt::format("{} is a raw mapping: what is on the LUN is copied", disk.label));
      }
    }
    if (lower_case(extra_option(object_.at("config.extraConfig"), "disk.EnableUUID")) == "true") {
      add("V-DISK-SERIAL", info, "its disks show serial numbers, which are others on the target");
    }
  }

  void look_at_networks() {
    for (const DeviceNic& card : source_.devices.nics) {
      const Network* network = around_.network_of(card);
      if (network == nullptr || network->kind != "nsx") continue;
      add("V-NSX", warning, fmt::format("network {} is a segment of NSX", network->name),
          "make its firewall rules anew on the target");
    }
  }

  void look_at_hosting() {
    const Hosting& hosting = machine_.hosting;
    if (hosting.encrypted.value_or(false)) {
      add("V-ENCRYPTED", warning, "vSphere encrypts its files; the copy is not encrypted",
          "see that flyt's user has the privilege Cryptographer.Access");
    }
    if (hosting.fault_tolerant.value_or(false)) {
      add("V-FAULT-TOLERANCE", warning, "fault tolerance is on: it takes no snapshots then",
          "turn fault tolerance off on the source, then plan again");
    }
    if (hosting.pinned.value_or(false) || hosting.latency_sensitive.value_or(false)) {
      add("V-PINNED", info, "it has processors or memory nodes of its host for itself");
    }
    if (machine_.power == Power::on && hosting.change_tracking == false) {
      add("V-TRACKING", info, "change tracking is off: at cutover its disks are read whole again");
    }
    if (machine_.firmware.kind == FirmwareKind::uefi) {
      add("V-NVRAM", info, "UEFI variables (boot entries, Secure Boot keys) do not travel");
    }
  }

  void look_at_rules() {
    for (const AffinityRule& rule : around_.rules) {
      const auto& ids = rule.machines;
      if (std::find(ids.begin(), ids.end(), machine_.id) == ids.end()) continue;
      add("V-AFFINITY", info, fmt::format("the rule {:?} says where it may run", rule.name),
          "make the rule anew on the target where it is still needed");
    }
  }

  void look_at_tools() {
    if (machine_.power != Power::on) return;
    if (machine_.tools.state == ToolsState::absent || machine_.tools.state == ToolsState::stopped) {
      add("V-TOOLS", warning, "VMware Tools do not run: flyt apply cannot shut it down at cutover",
          "start VMware Tools or open-vm-tools in it, or shut it down before flyt apply");
    } else if (machine_.tools.old.value_or(false)) {
      add("V-TOOLS", info, fmt::format("VMware Tools {} are old", machine_.tools.version));
    }
  }

  void look_at_guest() {
    if (is_too_old(machine_.guest.id)) {
      add("V-GUEST-OLD", warning,
          fmt::format("no virtio drivers are made for {} any more",
                      machine_.guest.name.empty() ? machine_.guest.id : machine_.guest.name),
          fmt::format("in the site file: [machines.\"{}\"]  convert = \"none\"", machine_.name));
    }
    for (const pugi::xml_node disk : object_.at("guest.disk").children()) {
      const std::string path = xml_child_text(disk, "diskPath");
      const auto free = number_child(disk, "freeSpace");
      for (const Space& space : spaces) {
        if (path != space.path || !free || *free < 0 || *free >= space.least) continue;
        add("V-GUEST-SPACE", warning,
            fmt::format("{} has {} free, and conversion wants {}", path,
                        format_size(static_cast<std::uint64_t>(*free)),
                        format_size(static_cast<std::uint64_t>(space.least))),
            "make room in the guest");
      }
    }
  }

  const Object& object_;
  const SourceMachine& source_;
  const Machine& machine_;
  const Surroundings& around_;
  std::vector<Concern> found_;
};

}  // namespace

std::vector<std::string> finding_properties() { return {"guest.disk"}; }

std::vector<Concern> findings(const Object& object, const SourceMachine& found,
                              const Surroundings& around) {
  return Finder(object, found, around).find();
}

void add_backup_concern(Machine& machine) {
  const bool known = std::any_of(machine.concerns.begin(), machine.concerns.end(),
                                 [](const Concern& one) { return one.code == backup; });
  if (known) return;
  const auto tag = std::find_if(machine.tags.begin(), machine.tags.end(), speaks_of_backup);
  const bool tagged = tag != machine.tags.end();
  if (!tagged && !speaks_of_backup(machine.notes)) return;
  machine.concerns.push_back(
      {std::string(backup), info, "",
       fmt::format("a backup job may take it: {}", tagged ? *tag : "its notes speak of backups"),
       "pause the job until the machine has been moved"});
}

}  // namespace flyt::vsphere
