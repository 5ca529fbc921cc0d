// Views are snapshots of vSphere, named after the migration that took them.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "drivers/vsphere/devices.hpp"
#include "drivers/vsphere/properties.hpp"
#include "drivers/vsphere/surroundings.hpp"

namespace flyt::vsphere {

struct Snapshot {
  Ref ref;
  std::string name, created;
  bool quiesced = false, of_running = false;
};

// All of the machine's, parents before children. Errc::not_found: no such machine.
struct Snapshots {
  std::vector<Snapshot> all;
  bool running = false;     // the machine, now
  Ref host;                 // that has it; empty: vCenter does not say
  bool files_left = false;  // of snapshots that were removed: its disks have to be consolidated
  const Snapshot* find(const std::string& name) const;
};
Result<Snapshots> read_snapshots(Session& session, const Ref& machine, const Call& call);

// "flyt-abcdefghijklmnopqrst flyt-1": what people see in vSphere.
std::string snapshot_name(const Owner& owner, const std::string& view);

// The names of the machine's snapshots that flyt did not take. `tree`: its property `snapshot`.
std::vector<std::string> foreign_snapshots(pugi::xml_node tree);

// The machine's hardware as it was when the snapshot was taken: its disks name the files that were
// written until then.
Result<Devices> devices_of_snapshot(Session& session, const Ref& snapshot, const Call& call);

// Machines from which a snapshot of ours was removed, or begun to be, and whose disks are not known
// to be consolidated since. Thread-safe. vSphere may remove a snapshot and leave its files, which
// grow from then on (another program holds the disk, the datastore is full).
class Unconsolidated {
 public:
  void add(const std::string& machine);
  void remove(const std::string& machine);
  bool holds(const std::string& machine) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> machines_;
};

Result<View> make_view(Session& session, const ViewSpec& spec, const Call& call);
// Files that the removal leaves are consolidated, by the next call where that fails. What others
// had left before is not touched.
Status drop_view(Session& session, Unconsolidated& ours, const ViewSpec& spec, const Call& call);

// Switches change tracking, with a snapshot of its own that is taken and removed where the machine
// runs: without, tracking would begin at some later time. Errc::unsupported, to switch it on: the
// machine has snapshots.
Status set_tracking(Session& session, Unconsolidated& ours, const Ref& machine, bool on,
                    const Call& call);

}  // namespace flyt::vsphere
