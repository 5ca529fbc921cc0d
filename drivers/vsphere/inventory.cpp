#include "drivers/vsphere/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "drivers/vsphere/findings.hpp"
#include "drivers/vsphere/hindrances.hpp"
#include "drivers/vsphere/starts.hpp"
#include "drivers/vsphere/tags.hpp"

namespace flyt::vsphere {
namespace {

Error no_machine(const std::string& id) {
  return {Errc::not_found, fmt::format("there is no machine {}", id)};
}

// A single host has no identity of its own but the hardware's.
Result<std::string> platform_id(Session& session, const Service& service, const Call& call) {
  if (!service.instance_uuid.empty()) return service.instance_uuid;
  std::string uuid;
  FLYT_TRY(each_object(
      session, {{"HostSystem", {"summary.hardware.uuid"}}},
      [&uuid](const Object& host) -> Status {
        uuid = host.text("summary.hardware.uuid");
        return ok();
      },
      call));
  if (uuid.empty()) {
    return Error{Errc::unsupported, "the host does not say which one it is", service.full_name};
  }
  return uuid;
}

void add_ground(const Surroundings& around, Inventory& found) {
  found.notes = around.notes;
  for (const auto& [ref, host] : around.hosts) {
    Host shown = host;
    shown.place.site = around.datacentre_of(ref);
    found.hosts.push_back(std::move(shown));
  }
  for (const auto& [ref, store] : around.datastores) {
    found.storages.push_back(store.storage);
    if (store.accessible) continue;
    found.notes.push_back(fmt::format("datastore {} cannot be reached", store.storage.name));
  }
  for (const auto& [ref, network] : around.networks) found.networks.push_back(network);
  found.rules = around.rules;
  for (const auto& [ref, connected] : around.connected) {
    if (connected) continue;
    found.notes.push_back(
        fmt::format("host {} is not connected to vCenter", around.hosts.at(ref).name));
  }
}

// How many disks are read in which way, and why, and how many machines are tracked.
struct Tally {
  std::map<std::string, std::size_t> ways;
  std::size_t machines = 0, tracked = 0;
  std::map<std::string, std::size_t> by_vddk;  // disks, by Machine::host

  void add(const SourceMachine& one) {
    if (!one.machine.unreadable.empty()) return;
    ++machines;
    if (one.tracked) ++tracked;
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> all;
    for (const auto& [way, disks] : ways) {
      all.push_back(fmt::format("{} for {} {}", way, disks, disks == 1 ? "disk" : "disks"));
    }
    all.push_back(fmt::format("change tracking is on for {} of {} machines", tracked, machines));
    return all;
  }
};

void set_transports(const Surroundings& around, const ReadPolicy& policy, SourceMachine& one,
                    Tally& tally) {
  tally.add(one);
  for (std::size_t i = 0; i < one.machine.disks.size(); ++i) {
    Disk& disk = one.machine.disks[i];
    DeviceDisk device = one.devices.disks[i];
    // Our own snapshots are what is read.
    if (!one.foreign_snapshots) device.file = device.base_file;
    const auto store = around.datastores.find(device.datastore);
    const std::string kind =
        store == around.datastores.end() ? std::string() : store->second.storage.kind;
    const TransportChoice choice = choose_transport(device, kind, policy);
    ++tally.ways[described(choice)];
    if (choice.transport == Transport::vddk && choice.refused.empty()) {
      ++tally.by_vddk[one.machine.host];
    }
    disk.left_out = choice.refused;
    if (choice.refused.empty()) disk.read_by = described(choice);
    disk.stream_only = choice.transport == Transport::lease;
    const std::string why = left_out_of_views(device);
    if (choice.refused.empty() && !why.empty()) {
      if (one.machine.power != Power::off) disk.left_out = why + ": the machine must be off";
      disk.read_by += fmt::format(", only while its machine is off: {}", why);
    }
  }
}

// What was copied of a machine that was off is its last state only while it has not run again.
Status add_stamps(Session& session, SourceMachine& one, const Call& call) {
  if (one.machine.power != Power::off || one.machine.disks.empty()) return ok();
  const auto start = last_start(session, {"VirtualMachine", one.machine.id}, call);
  FLYT_TRY(proceed(call, "reading events"));
  if (!start || start->empty()) return ok();
  for (std::size_t i = 0; i < one.machine.disks.size(); ++i) {
    one.machine.disks[i].stamp = fmt::format("{}, {}", one.devices.disks[i].base_file, *start);
  }
  return ok();
}

// An inventory without tags is better than none, whatever the reason is.
Status add_tags(Session& session, const Service& service, Inventory& found, const Call& call) {
  if (!service.vcenter) {
    found.notes.emplace_back("no tags and no custom attributes: only a vCenter has them");
    return ok();
  }
  std::vector<std::string> ids;
  ids.reserve(found.machines.size());
  for (const Machine& one : found.machines) ids.push_back(one.id);
  auto tags = read_tags(session, ids, call);
  if (!tags) {
    FLYT_TRY(proceed(call, "reading tags"));
    const Error& error = tags.error();
    found.notes.push_back(fmt::format("tags are not known: {}: {}", error.what, error.seen));
    return ok();
  }
  for (Machine& one : found.machines) {
    const auto its = tags->find(one.id);
    if (its == tags->end()) continue;
    one.tags.insert(one.tags.end(), its->second.begin(), its->second.end());
  }
  return ok();
}

// The machine refers to nothing that came into being after `around` was read.
bool is_known(const SourceMachine& one, const Surroundings& around) {
  const auto& disks = one.devices.disks;
  const auto& nics = one.devices.nics;
  return around.hosts.contains(one.host) &&
         std::all_of(
             disks.begin(), disks.end(),
             [&](const DeviceDisk& disk) { return around.datastores.contains(disk.datastore); }) &&
         std::all_of(nics.begin(), nics.end(),
                     [&](const DeviceNic& card) { return around.network_of(card) != nullptr; });
}

struct Looked {
  SourceMachine machine;
  Surroundings around;
};

Result<Looked> look_at_one(Session& session, KnownSurroundings& known, const std::string& id,
                           const Call& call) {
  FLYT_ASSIGN(auto recent, known.recent(session, call));
  Looked looked{{}, std::move(recent.around)};
  FLYT_ASSIGN(looked.machine, read_machine(session, id, looked.around, call));
  if (recent.renewed || is_known(looked.machine, looked.around)) return looked;
  FLYT_ASSIGN(looked.around, known.renew(session, call));
  FLYT_ASSIGN(looked.machine, read_machine(session, id, looked.around, call));
  return looked;
}

// vCenter keeps machines in no order of their own.
bool by_name(const Machine& a, const Machine& b) {
  return std::tie(a.name, a.id) < std::tie(b.name, b.id);
}

}  // namespace

Result<Inventory> read_inventory(Session& session, KnownSurroundings& known, const Scope& scope,
                                 const ReadPolicy& policy, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  Inventory found;
  found.driver = "vsphere";
  found.platform = fmt::format("{} at {}", service.full_name, session.config().url);
  FLYT_ASSIGN(found.platform_id, platform_id(session, service, call));
  Tally tally;
  if (!scope.machine.empty() && scope.migration_id.empty()) {
    FLYT_ASSIGN(Looked looked, look_at_one(session, known, scope.machine, call));
    SourceMachine& one = looked.machine;
    add_ground(looked.around, found);
    set_transports(looked.around, policy, one, tally);
    FLYT_TRY(add_stamps(session, one, call));
    add_backup_concern(one.machine);
    found.machines.push_back(std::move(one.machine));
    return found;
  }
  FLYT_ASSIGN(const Surroundings around, known.renew(session, call));
  add_ground(around, found);
  if (!scope.migration_id.empty()) return found;  // nothing here is made by a migration
  FLYT_TRY(each_object(
      session, {machine_properties()},
      [&](const Object& object) -> Status {
        SourceMachine one = machine_of(object, around);
        set_transports(around, policy, one, tally);
        found.machines.push_back(std::move(one.machine));
        return ok();
      },
      call));
  std::sort(found.machines.begin(), found.machines.end(), by_name);
  FLYT_TRY(add_tags(session, service, found, call));
  for (Machine& one : found.machines) add_backup_concern(one);
  if (!scope.findings) return found;
  for (std::string& note : tally.notes()) found.notes.push_back(std::move(note));
  FLYT_TRY(find_hindrances(session, {policy.vddk, tally.by_vddk}, found, call));
  return found;
}

Result<SourceMachine> read_machine(Session& session, const std::string& id,
                                   const Surroundings& around, const Call& call) {
  std::optional<SourceMachine> found;
  FLYT_TRY(within(id, each_of(
                          session, {{"VirtualMachine", id}}, machine_properties(),
                          [&](const Object& object) -> Status {
                            found = machine_of(object, around);
                            return ok();
                          },
                          call)));
  if (!found) return no_machine(id);
  return *std::move(found);
}

}  // namespace flyt::vsphere
