#include "drivers/vsphere/snapshots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

constexpr unsigned deepest_tree = 64;  // vSphere allows 32
constexpr std::string_view note = "taken by flyt; flyt undo removes it";
constexpr std::string_view tracking_snapshot = "flyt: begin change tracking";

// A migration id, a space and the view's name.
bool is_ours(const std::string& name) {
  constexpr std::size_t id_length = 25;
  return name == tracking_snapshot || (name.starts_with("flyt-") && name.find(' ') == id_length);
}

void collect(pugi::xml_node tree, unsigned depth, std::vector<Snapshot>& all) {
  if (depth > deepest_tree) return;
  Snapshot snapshot{ref_child(tree, "snapshot"), plain_name(xml_child_text(tree, "name")),
                    xml_child_text(tree, "createTime")};
  snapshot.quiesced = flag_child(tree, "quiesced").value_or(false);
  snapshot.of_running = xml_child_text(tree, "state") == "poweredOn";
  all.push_back(std::move(snapshot));
  for (const pugi::xml_node child : xml_children(tree, "childSnapshotList")) {
    collect(child, depth + 1, all);
  }
}

// A snapshot that was asked for by a call that broke off may still be on its way.
Status let_creations_end(Session& session, const Ref& machine, const Call& call) {
  std::vector<Ref> tasks;
  FLYT_TRY(within(machine.value, each_of(
                                     session, {machine}, {"VirtualMachine", {"recentTask"}},
                                     [&tasks](const Object& object) -> Status {
                                       for (const pugi::xml_node task :
                                            object.at("recentTask").children()) {
                                         tasks.push_back(ref_of(task));
                                       }
                                       return ok();
                                     },
                                     call)));
  if (tasks.empty()) return ok();
  std::vector<Ref> creating;
  // One that has been forgotten since has ended.
  const auto looked = each_of(
      session, tasks, {"Task", {"info.descriptionId", "info.state"}},
      [&creating](const Object& task) -> Status {
        const std::string state = task.text("info.state");
        const bool runs = state == "queued" || state == "running";
        if (runs && task.text("info.descriptionId") == "VirtualMachine.createSnapshot") {
          creating.push_back(task.ref());
        }
        return ok();
      },
      call);
  if (!looked && looked.error().code != Errc::not_found) return looked.error();
  for (const Ref& task : creating) {
    // How it ends is seen in what it has made.
    (void)wait_for_task(session, task, fmt::format("{}: a snapshot", machine.value), call);
    FLYT_TRY(proceed(call, machine.value));
  }
  return ok();
}

Result<Ref> create(Session& session, const Ref& machine, const std::string& name, bool quiesce,
                   const Call& call) {
  const std::string what = fmt::format("{}: taking the snapshot {}", machine.value, name);
  Body body;
  body.text("name", name).text("description", note).flag("memory", false).flag("quiesce", quiesce);
  FLYT_ASSIGN(const Reply begun, session.call("CreateSnapshot_Task", machine, body, what, call));
  return wait_for_task(session, ref_of(begun.value()), what, call);
}

Status remove_from_tree(Session& session, const Ref& machine, const Snapshot& snapshot,
                        const Call& call) {
  const std::string what =
      fmt::format("{}: removing the snapshot {}", machine.value, snapshot.name);
  Body body;
  body.flag("removeChildren", false).flag("consolidate", true);
  const auto begun = session.call("RemoveSnapshot_Task", snapshot.ref, body, what, call);
  // Somebody else was quicker.
  if (!begun && begun.error().code == Errc::not_found) return ok();
  if (!begun) return begun.error();
  const auto done = wait_for_task(session, ref_of(begun->value()), what, call);
  return done ? ok() : Status(done.error());
}

// What removing our snapshots has left.
Status consolidate(Session& session, Unconsolidated& ours, const Ref& machine, const Call& call) {
  if (!ours.holds(machine.value)) return ok();
  FLYT_ASSIGN(const Snapshots now, read_snapshots(session, machine, call));
  if (now.files_left) {
    const std::string what = fmt::format("{}: consolidating its disks", machine.value);
    const auto in_vain = [](Error error) {
      error.state = "a snapshot of flyt's is removed, and its files are still in use";
      error.remedy.emplace_back("consolidate the machine's disks in vSphere");
      return error;
    };
    const auto begun = session.call("ConsolidateVMDisks_Task", machine, {}, what, call);
    if (!begun) return in_vain(begun.error());
    const auto done = wait_for_task(session, ref_of(begun->value()), what, call);
    if (!done) return in_vain(done.error());
  }
  ours.remove(machine.value);
  return ok();
}

// `known`: as it was before.
Status remove(Session& session, Unconsolidated& ours, const Ref& machine, const Snapshots& known,
              const Snapshot& snapshot, const Call& call) {
  // A removal that fails may leave files, too.
  if (!known.files_left) ours.add(machine.value);
  FLYT_TRY(remove_from_tree(session, machine, snapshot, call));
  return consolidate(session, ours, machine, call);
}

// Quiesced where VMware Tools can do that, unless nobody asked for it and it fails.
Result<Ref> create_best(Session& session, const Ref& machine, const std::string& name,
                        const ViewSpec& spec, bool running, const Call& call) {
  if (!running) return create(session, machine, name, false, call);
  auto made = create(session, machine, name, true, call);
  const bool tried_in_vain = !made && made.error().code != Errc::cancelled &&
                             made.error().code != Errc::timed_out &&
                             made.error().code != Errc::denied;
  if (spec.at_least == Consistency::quiesced || !tried_in_vain) return made;
  return create(session, machine, name, false, call);
}

Result<View> view_of(Session& session, const ViewSpec& spec, const Snapshot& snapshot,
                     const Call& call) {
  FLYT_ASSIGN(const Devices devices, devices_of_snapshot(session, snapshot.ref, call));
  View view;
  view.machine = spec.machine;
  view.name = spec.name;
  view.got = snapshot.quiesced     ? Consistency::quiesced
             : snapshot.of_running ? Consistency::crash
                                   : Consistency::off;
  view.identity = fmt::format("{} {}", snapshot.ref.value, snapshot.created);
  for (const DeviceDisk& disk : devices.disks) {
    const std::string left_out = left_out_of_views(disk);
    view.disks.push_back({disk.key, left_out.empty() ? disk.change_id : "", left_out});
  }
  return view;
}

Status reconfigure(Session& session, const Ref& machine, bool on, const Call& call) {
  const std::string what =
      fmt::format("{}: switching change tracking {}", machine.value, on ? "on" : "off");
  Body body;
  body.open("spec").flag("changeTrackingEnabled", on).close();
  FLYT_ASSIGN(const Reply begun, session.call("ReconfigVM_Task", machine, body, what, call));
  const auto done = wait_for_task(session, ref_of(begun.value()), what, call);
  return done ? ok() : Status(done.error());
}

}  // namespace

void Unconsolidated::add(const std::string& machine) {
  const std::lock_guard lock(mutex_);
  machines_.insert(machine);
}

void Unconsolidated::remove(const std::string& machine) {
  const std::lock_guard lock(mutex_);
  machines_.erase(machine);
}

bool Unconsolidated::holds(const std::string& machine) const {
  const std::lock_guard lock(mutex_);
  return machines_.contains(machine);
}

const Snapshot* Snapshots::find(const std::string& name) const {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&name](const Snapshot& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Result<Snapshots> read_snapshots(Session& session, const Ref& machine, const Call& call) {
  Snapshots found;
  FLYT_TRY(within(
      machine.value,
      each_of(
          session, {machine},
          {"VirtualMachine",
           {"snapshot", "runtime.host", "runtime.powerState", "runtime.consolidationNeeded"}},
          [&found](const Object& object) -> Status {
            found.files_left = object.text("runtime.consolidationNeeded") == "true";
            found.host = object.ref_at("runtime.host");
            found.running = object.text("runtime.powerState") != "poweredOff";
            for (const pugi::xml_node tree :
                 xml_children(object.at("snapshot"), "rootSnapshotList")) {
              collect(tree, 0, found.all);
            }
            return ok();
          },
          call)));
  return found;
}

std::string snapshot_name(const Owner& owner, const std::string& view) {
  return fmt::format("{} {}", owner.id, view);
}

std::vector<std::string> foreign_snapshots(pugi::xml_node tree) {
  std::vector<Snapshot> all;
  for (const pugi::xml_node root : xml_children(tree, "rootSnapshotList")) collect(root, 0, all);
  std::vector<std::string> names;
  for (const Snapshot& one : all) {
    if (!is_ours(one.name)) names.push_back(one.name);
  }
  return names;
}

Result<Devices> devices_of_snapshot(Session& session, const Ref& snapshot, const Call& call) {
  Devices devices;
  FLYT_TRY(each_of(
      session, {snapshot}, {"VirtualMachineSnapshot", {"config.hardware", "config.bootOptions"}},
      [&devices](const Object& object) -> Status {
        devices = devices_of(object.at("config.hardware"), object.at("config.bootOptions"));
        return ok();
      },
      call));
  return devices;
}

Result<View> make_view(Session& session, const ViewSpec& spec, const Call& call) {
  const Ref machine{"VirtualMachine", spec.machine};
  const std::string name = snapshot_name(spec.owner, spec.name);
  FLYT_TRY(let_creations_end(session, machine, call));
  FLYT_ASSIGN(Snapshots known, read_snapshots(session, machine, call));
  const Snapshot* snapshot = known.find(name);
  if (snapshot == nullptr) {
    FLYT_ASSIGN(const Ref made, create_best(session, machine, name, spec, known.running, call));
    FLYT_ASSIGN(known, read_snapshots(session, machine, call));
    snapshot = known.find(name);
    if (snapshot == nullptr) {
      return Error{Errc::unavailable,
                   fmt::format("{}: the snapshot {} is gone again", spec.machine, name),
                   fmt::format("vSphere said that it had made {}", made.value),
                   "another program or person removed it"};
    }
  }
  return view_of(session, spec, *snapshot, call);
}

Status drop_view(Session& session, Unconsolidated& ours, const ViewSpec& spec, const Call& call) {
  const Ref machine{"VirtualMachine", spec.machine};
  const auto ended = let_creations_end(session, machine, call);
  if (!ended && ended.error().code == Errc::not_found) return ok();
  if (!ended) return ended.error();
  const auto known = read_snapshots(session, machine, call);
  if (!known && known.error().code == Errc::not_found) return ok();
  if (!known) return known.error();
  // A second of the name is there when a call was made again whose answer was lost.
  const std::string name = snapshot_name(spec.owner, spec.name);
  for (const Snapshot& one : known->all) {
    if (one.name == name) FLYT_TRY(remove(session, ours, machine, *known, one, call));
  }
  return consolidate(session, ours, machine, call);
}

Status set_tracking(Session& session, Unconsolidated& ours, const Ref& machine, bool on,
                    const Call& call) {
  FLYT_TRY(let_creations_end(session, machine, call));
  FLYT_ASSIGN(Snapshots known, read_snapshots(session, machine, call));
  const std::string name(tracking_snapshot);
  if (const Snapshot* left = known.find(name)) {
    FLYT_TRY(remove(session, ours, machine, known, *left, call));
  }
  if (on && std::any_of(known.all.begin(), known.all.end(),
                        [&name](const Snapshot& one) { return one.name != name; })) {
    return Error{Errc::unsupported,
                 fmt::format("{} has snapshots", machine.value),
                 {},
                 "VMware wants none to be there when change tracking is switched on, else it may "
                 "tell wrong areas",
                 "change tracking is as it was",
                 {"remove the snapshots, or plan without track_changes"}};
  }
  FLYT_TRY(reconfigure(session, machine, on, call));
  if (!on || !known.running) return ok();
  FLYT_TRY(create(session, machine, name, false, call));
  FLYT_ASSIGN(known, read_snapshots(session, machine, call));
  const Snapshot* made = known.find(name);
  return made == nullptr ? ok() : remove(session, ours, machine, known, *made, call);
}

}  // namespace flyt::vsphere
