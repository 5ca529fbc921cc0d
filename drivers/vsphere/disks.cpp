#include "drivers/vsphere/disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "drivers/vsphere/lease.hpp"
#include "drivers/vsphere/ranges_channel.hpp"
#include "drivers/vsphere/snapshots.hpp"
#include "drivers/vsphere/vddk.hpp"

namespace flyt::vsphere {
namespace {

constexpr int deepest_tree = 64;

// What is to be read: the disk in a view, or as it is in a machine that is off.
struct Wanted {
  DeviceDisk disk;
  Ref snapshot;  // empty: none
  Ref host;      // that has the machine; empty: vCenter does not say
};

const DeviceDisk* find_disk(const Devices& devices, const std::string& key) {
  const auto found = std::find_if(devices.disks.begin(), devices.disks.end(),
                                  [&key](const DeviceDisk& one) { return one.key == key; });
  return found == devices.disks.end() ? nullptr : &*found;
}

Error no_disk(const OpenSpec& spec) {
  return {Errc::not_found, fmt::format("{}: there is no disk {}", spec.machine, spec.disk)};
}

Result<Wanted> find_in_view(Session& session, const OpenSpec& spec, const Ref& machine,
                            const Call& call) {
  FLYT_ASSIGN(const Snapshots known, read_snapshots(session, machine, call));
  const Snapshot* snapshot = known.find(snapshot_name(spec.owner, spec.view));
  if (snapshot == nullptr) {
    return Error{Errc::not_found, fmt::format("{}: there is no view {}", spec.machine, spec.view)};
  }
  FLYT_ASSIGN(const Devices devices, devices_of_snapshot(session, snapshot->ref, call));
  const DeviceDisk* disk = find_disk(devices, spec.disk);
  if (disk == nullptr) return no_disk(spec);
  if (const std::string why = left_out_of_views(*disk); !why.empty()) {
    return Error{Errc::unsupported, fmt::format("{}: {} is in no view", spec.machine, disk->label),
                 why};
  }
  return Wanted{*disk, snapshot->ref, known.host};
}

Result<Wanted> find_as_it_is(Session& session, const OpenSpec& spec, const Ref& machine,
                             const Call& call) {
  Devices devices;
  std::string power;
  Ref host;
  const auto take = [&](const Object& object) -> Status {
    devices = devices_of(object.at("config.hardware"), object.at("config.bootOptions"));
    power = object.text("runtime.powerState");
    host = object.ref_at("runtime.host");
    return ok();
  };
  FLYT_TRY(within(spec.machine, each_of(session, {machine},
                                        {"VirtualMachine",
                                         {"config.hardware", "config.bootOptions", "runtime.host",
                                          "runtime.powerState"}},
                                        take, call)));
  if (power != "poweredOff") {
    return Error{Errc::denied, fmt::format("{} is not off", spec.machine), power, {},
                 {},           {"make a view, or switch it off"}};
  }
  const DeviceDisk* disk = find_disk(devices, spec.disk);
  if (disk == nullptr) return no_disk(spec);
  return Wanted{*disk, {}, host};
}

struct StoreInfo {
  std::string kind, datacentre;  // "VMFS", "Roskilde/Drift": the datacentre's path
};

// The datastore's kind, and the way up from it to its datacentre.
Result<StoreInfo> look_at_store(Session& session, const Ref& datastore, const Call& call) {
  StoreInfo info;
  Ref at;
  FLYT_TRY(each_of(
      session, {datastore}, {"Datastore", {"parent", "summary.type"}},
      [&](const Object& object) -> Status {
        info.kind = object.text("summary.type");
        at = object.ref_at("parent");
        return ok();
      },
      call));
  bool below = false;  // the datacentre, on the way up
  for (int depth = 0; depth < deepest_tree && !at.empty(); ++depth) {
    Ref up;
    std::string name;
    FLYT_TRY(each_of(
        session, {at}, {at.type, {"name", "parent"}},
        [&](const Object& object) -> Status {
          name = plain_name(object.text("name"));
          up = object.ref_at("parent");
          return ok();
        },
        call));
    below = below || at.type == "Datacenter";
    // The root folder has no parent and no name in paths.
    if (below && !up.empty()) {
      info.datacentre = info.datacentre.empty() ? name : name + "/" + info.datacentre;
    }
    at = up;
  }
  return info;
}

// "web01/web01.vmdk" describes "web01/web01-flat.vmdk", which holds the bytes.
std::string flat_file(const std::string& descriptor) {
  constexpr std::string_view ending = ".vmdk";
  if (!descriptor.ends_with(ending)) return descriptor;
  return descriptor.substr(0, descriptor.size() - ending.size()) + "-flat.vmdk";
}

// All that has to be known to read a disk, as it is now.
struct Source {
  Ref machine;
  Wanted wanted;
  StoreInfo store;
  Transport transport = Transport::ranges;
  ReadPoint point;
  std::string what;
};

Result<Source> find_source(Session& session, const OpenSpec& spec, const ReadPolicy& policy,
                           const Call& call) {
  Source found;
  found.machine = {"VirtualMachine", spec.machine};
  FLYT_ASSIGN(found.wanted, spec.view.empty() ? find_as_it_is(session, spec, found.machine, call)
                                              : find_in_view(session, spec, found.machine, call));
  const DeviceDisk& disk = found.wanted.disk;
  FLYT_ASSIGN(found.store, look_at_store(session, disk.datastore, call));
  const TransportChoice choice = choose_transport(disk, found.store.kind, policy);
  found.what = fmt::format("{}: {}", spec.machine, disk.label);
  if (!choice.refused.empty()) {
    return Error{Errc::unsupported, fmt::format("{} cannot be read", found.what), choice.refused};
  }
  found.transport = choice.transport;
  found.point = {found.wanted.host.value, disk.datastore.value};
  return found;
}

Result<std::unique_ptr<Channel>> open_source(Session& session, const Source& source,
                                             const OpenSpec& spec, const ReadPolicy& policy,
                                             const Call& call) {
  const DeviceDisk& disk = source.wanted.disk;
  const Ref& snapshot = source.wanted.snapshot;
  if (source.transport == Transport::lease) {
    return open_lease(session, {source.machine, snapshot, disk.key, disk.size_bytes, source.what},
                      call);
  }
  const TrackedDisk tracked{source.machine, snapshot, disk.key, disk.size_bytes};
  const std::string since = may_follow(spec.since, disk.change_id) ? spec.since : std::string();
  if (source.transport == Transport::vddk) {
    return open_vddk(session, policy.vddk, {disk.file, tracked, since, source.what}, call);
  }
  FLYT_ASSIGN(const DatastorePath path, parse_datastore_path(disk.file));
  RangesSpec ranges;
  ranges.file = {source.store.datacentre, path.datastore, flat_file(path.path)};
  ranges.disk = tracked;
  // Of thick disks it is not known what tracking calls written.
  ranges.mapped = disk.thin && !disk.change_id.empty();
  ranges.since = since;
  ranges.connections = policy.connections;
  ranges.what = source.what;
  return open_ranges(session, ranges, call);
}

}  // namespace

Result<std::unique_ptr<Channel>> open_disk(Session& session, ReadPlaces& places,
                                           const OpenSpec& spec, const ReadPolicy& policy,
                                           const Call& call) {
  FLYT_TRY(proceed(call, spec.machine));
  if (spec.use == Use::write) {
    return Error{Errc::unsupported,
                 fmt::format("{}: vSphere is only read, never written", spec.machine)};
  }
  FLYT_ASSIGN(Source source, find_source(session, spec, policy, call));
  ReadPlaces::Place place;
  while (!place.is_at(source.point)) {
    place = {};
    FLYT_ASSIGN(place, places.take(source.point, source.what, call, spec.progress));
    if (!place.had_to_wait()) break;
    // Meanwhile the machine may have been moved, or started.
    FLYT_ASSIGN(source, find_source(session, spec, policy, call));
  }
  FLYT_ASSIGN(auto channel, open_source(session, source, spec, policy, call));
  return with_place(std::move(channel), std::move(place));
}

}  // namespace flyt::vsphere
