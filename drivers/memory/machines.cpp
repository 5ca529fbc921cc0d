#include "drivers/memory/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/bare_volume.hpp"
#include "base/durable_file.hpp"
#include "base/identity.hpp"
#include "base/units.hpp"
#include "drivers/memory/channels.hpp"
#include "drivers/memory/disk_file.hpp"
#include "drivers/memory/views.hpp"
#include "drivers/shared/made.hpp"

namespace flyt::memory {
namespace {

// What spec names and the ground does not have.
template <typename Thing>
Result<Thing*> find_named(std::vector<Thing>& things, const std::string& name,
                          std::string_view kind) {
  std::vector<std::string_view> known;
  for (Thing& thing : things) {
    if (thing.name == name) return &thing;
    known.push_back(thing.name);
  }
  Error error{Errc::not_found, fmt::format("there is no {} {}", kind, name)};
  if (const auto near = nearest(name, known); !near.empty()) {
    error.remedy.push_back(fmt::format("did you mean {}?", near));
  }
  return error;
}

Status check_spec(const MachineSpec& spec) {
  if (spec.owner.id.empty()) return Error{Errc::invalid, "a machine needs a migration id"};
  if (spec.name.empty()) return Error{Errc::invalid, "a machine needs a name"};
  return ok();
}

Error taken(std::string_view what, std::string_view name) {
  Error error{Errc::exists, fmt::format("the {} {} is taken by another machine", what, name)};
  error.remedy.emplace_back(
      "give the machine another name in the site: [machines.NAME] name = ...");
  return error;
}

Status check_free(const World& world, const MachineSpec& spec, const std::string& own_id) {
  for (const Machine& other : world.ground.machines) {
    if (other.id == own_id || other.bare.empty() != spec.bare.empty()) continue;
    if (other.name == spec.name) return taken("name", spec.name);
    if (!spec.uuid.empty() && other.uuid == spec.uuid) return taken("uuid", spec.uuid);
  }
  return ok();
}

std::uint64_t rounded(std::uint64_t size, std::uint64_t step) {
  return (size + step - 1) / step * step;
}

Result<Disk> make_disk(World& world, const DiskSpec& spec, std::size_t number) {
  Disk disk;
  disk.id = fmt::format("disk{}", number);
  disk.uuid = random_uuid();
  disk.size_bytes = rounded(spec.size_bytes, world.habits.round_bytes);
  disk.bus = spec.bus == Bus::unknown ? Bus::sata : spec.bus;
  disk.controller = spec.controller;
  disk.format = "raw";
  disk.boots = spec.boots;
  if (!spec.format.empty() && spec.format != "raw") {
    return Error{Errc::unsupported, fmt::format("disks are raw here, not {}", spec.format)};
  }
  std::vector<Storage>& storages = world.ground.storages;
  if (spec.storage.empty() && storages.empty()) return disk;
  FLYT_ASSIGN(
      Storage * storage,
      find_named(storages, spec.storage.empty() ? storages.front().name : spec.storage, "storage"));
  disk.storage = storage->id;
  if (!storage->free_bytes) return disk;
  if (*storage->free_bytes < disk.size_bytes) {
    return Error{Errc::unavailable,
                 fmt::format("no space in {}: {} are free, {} are needed", storage->name,
                             format_size(*storage->free_bytes), format_size(disk.size_bytes)),
                 "", "", "nothing was made"};
  }
  *storage->free_bytes -= disk.size_bytes;
  return disk;
}

Result<std::vector<Nic>> make_nics(World& world, const std::vector<NicSpec>& specs) {
  std::vector<Nic> nics;
  for (const NicSpec& spec : specs) {
    FLYT_TRY(find_named(world.ground.networks, spec.network, "network"));
    nics.push_back({fmt::format("nic{}", nics.size()), spec.mac, spec.network,
                    spec.model.empty() ? "virtio" : spec.model, true});
  }
  return nics;
}

// All but identity, disks and power.
Status shape(World& world, Machine& machine, const MachineSpec& spec) {
  FLYT_ASSIGN(machine.nics, make_nics(world, spec.nics));
  machine.name = spec.name;
  machine.generation_id = spec.generation_id;
  machine.notes = spec.notes;
  machine.cpus = spec.cpus;
  machine.memory_bytes = spec.memory_bytes;
  const auto tpm = spec.tpm ? std::optional(true) : machine.firmware.tpm;
  machine.firmware = {spec.firmware, spec.secure_boot, tpm};
  machine.clock = spec.clock;
  machine.guest = spec.guest;
  return ok();
}

// What is new of it reads as zero.
Status grow(const WorldFolder& folder, World& world, const Machine& machine, Disk& disk,
            std::uint64_t wanted) {
  const std::uint64_t size = rounded(wanted, world.habits.round_bytes);
  if (size <= disk.size_bytes) return ok();
  for (Storage& storage : world.ground.storages) {
    if (storage.id != disk.storage || !storage.free_bytes) continue;
    if (*storage.free_bytes < size - disk.size_bytes) {
      return Error{Errc::unavailable, fmt::format("no space in {}: {} are free", storage.name,
                                                  format_size(*storage.free_bytes))};
    }
    *storage.free_bytes -= size - disk.size_bytes;
  }
  FLYT_ASSIGN(const std::filesystem::path file, disk_file(folder, world, machine, disk));
  std::error_code failed;
  std::filesystem::resize_file(file, size, failed);
  if (failed) return system_error(fmt::format("enlarging {}", file.native()), failed.value());
  disk.size_bytes = size;
  return ok();
}

// What a volume is called until it is whole.
std::string unpublished(const MachineSpec& spec) {
  return fmt::format("{}.{}", spec.name, spec.owner.id);
}

// `whole`: the size in which its first disk is made.
Result<Machine> already_made(const Machine& machine, const MachineSpec& spec, std::uint64_t whole) {
  if (machine.name != spec.name && machine.name != unpublished(spec)) {
    return Error{Errc::exists, fmt::format("{} was made by this migration, under another name than "
                                           "{}",
                                           machine.name, spec.name)};
  }
  if (machine.disks.size() != spec.disks.size()) {
    return Error{Errc::exists, fmt::format("{} was made by this migration with {} disks, not {}",
                                           machine.name, machine.disks.size(), spec.disks.size())};
  }
  const std::uint64_t made = machine.disks.empty() ? 0 : machine.disks.front().size_bytes;
  if (!spec.bare.empty() && made != spec.disks.front().size_bytes && made != whole) {
    return Error{Errc::exists,
                 fmt::format("{} was made by this migration with another size", machine.name)};
  }
  return machine;
}

Status check_there(const EnrolmentChoices::Names& known, const std::vector<std::string>& wanted,
                   std::string_view kind) {
  for (const std::string& one : wanted) {
    if (!known || std::find(known->begin(), known->end(), one) != known->end()) continue;
    return Error{Errc::not_found, fmt::format("there is no {} {}", kind, one)};
  }
  return ok();
}

void add(const std::vector<std::string>& wanted, std::vector<std::string>& into) {
  for (const std::string& one : wanted) {
    if (std::find(into.begin(), into.end(), one) == into.end()) into.push_back(one);
  }
}

void give_back(World& world, const Machine& machine) {
  for (const Disk& disk : machine.disks) {
    for (Storage& storage : world.ground.storages) {
      if (storage.id == disk.storage && storage.free_bytes) *storage.free_bytes += disk.size_bytes;
    }
  }
}

Status remove_files(const WorldFolder& folder, const std::string& machine) {
  const std::filesystem::path of_disks = folder.disk(machine, "").parent_path();
  const std::filesystem::path of_views = folder.view(machine, "").parent_path();
  for (const auto& path : {of_disks, of_views, folder.changes(machine)}) {
    std::error_code failed;
    std::filesystem::remove_all(path, failed);
    if (failed) return system_error(fmt::format("removing {}", path.native()), failed.value());
  }
  return ok();
}

}  // namespace

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Result<Machine> create(const WorldFolder& folder, LockedWorld& locked, const MachineSpec& spec) {
  FLYT_TRY(check_spec(spec));
  World& world = locked.world;
  if (const Machine* made = world.made_by(spec.owner.id)) {
    const std::uint64_t first = spec.disks.empty() ? 0 : spec.disks.front().size_bytes;
    return already_made(*made, spec, rounded(first, world.habits.round_bytes));
  }
  FLYT_TRY(check_free(world, spec, ""));
  Machine machine;
  machine.uuid = spec.uuid.empty() ? random_uuid() : spec.uuid;
  machine.id = machine.smbios_uuid = machine.uuid;
  if (!spec.bare.empty()) machine = bare_machine({.id = machine.uuid, .kind = spec.bare});
  machine.migration_id = spec.owner.id;
  machine.power = Power::off;
  if (!world.ground.hosts.empty()) machine.host = world.ground.hosts.front().id;
  if (spec.bare.empty()) {
    FLYT_TRY(shape(world, machine, spec));
  } else {
    machine.name = unpublished(spec);
  }
  FLYT_TRY(remove_files(folder, machine.id));  // of an attempt that was not recorded
  const std::vector<Disk> volume = std::exchange(machine.disks, {});
  for (const DiskSpec& disk : spec.disks) {
    FLYT_ASSIGN(Disk made, make_disk(world, disk, machine.disks.size()));
    if (!volume.empty()) made.id = volume.front().id;
    FLYT_TRY(disk_file(folder, world, machine, made));
    machine.disks.push_back(std::move(made));
  }
  Inside& inside = world.inside[machine.id];
  inside = world.habits.created;
  inside.shown_from = now_ms() + world.habits.settle.count();
  world.ground.machines.push_back(machine);
  FLYT_TRY(locked.save());
  return machine;
}

Result<Machine> update(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
                       const MachineSpec& spec) {
  FLYT_TRY(check_spec(spec));
  FLYT_ASSIGN(Machine * machine, find_machine(locked.world, id));
  FLYT_TRY(check_ours(*machine, spec.owner));
  if (machine->power != Power::off) {
    return Error{Errc::denied, fmt::format("{} is not off", machine->name)};
  }
  if (machine->disks.size() != spec.disks.size()) {
    return Error{Errc::invalid, fmt::format("{} has {} disks, not {}", machine->name,
                                            machine->disks.size(), spec.disks.size())};
  }
  FLYT_TRY(check_free(locked.world, spec, id));
  FLYT_TRY(shape(locked.world, *machine, spec));
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    Disk& disk = machine->disks[i];
    if (spec.disks[i].bus != Bus::unknown) disk.bus = spec.disks[i].bus;
    if (spec.first_start && i < most_on_sata) disk.bus = Bus::sata;
    disk.controller = spec.disks[i].controller;
    disk.boots = spec.disks[i].boots;
    FLYT_TRY(grow(folder, locked.world, *machine, disk, spec.disks[i].size_bytes));
  }
  FLYT_TRY(locked.save());
  return *machine;
}

Result<Machine> publish(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
                        const MachineSpec& spec, const Call& call) {
  FLYT_ASSIGN(Machine * machine, find_machine(locked.world, id));
  FLYT_TRY(check_ours(*machine, spec.owner));
  FLYT_TRY(fence(locked, id, spec.owner, call));
  if (machine->bare.empty()) {
    machine->is_template = spec.is_template;
  } else {
    FLYT_TRY(check_free(locked.world, spec, id));
    Disk& disk = machine->disks.front();
    FLYT_ASSIGN(const std::filesystem::path file, disk_file(folder, locked.world, *machine, disk));
    std::error_code failed;
    std::filesystem::resize_file(file, spec.disks.front().size_bytes, failed);
    if (failed) return system_error(fmt::format("cutting {}", file.native()), failed.value());
    disk.size_bytes = spec.disks.front().size_bytes;
    machine->name = spec.name;
  }
  FLYT_TRY(locked.save());
  return *machine;
}

Result<Enrolment> enrol(LockedWorld& locked, const std::string& id, const Enrolment& wanted,
                        const Owner& owner) {
  FLYT_ASSIGN(const Machine* machine, find_machine(locked.world, id));
  FLYT_TRY(check_ours(*machine, owner));
  const EnrolmentChoices& choices = locked.world.choices;
  if (!wanted.ha_group.empty()) {
    FLYT_TRY(check_there(choices.ha_groups, {wanted.ha_group}, "HA group"));
  }
  FLYT_TRY(check_there(choices.ha_rules, wanted.ha_rules, "HA rule"));
  FLYT_TRY(check_there(choices.backup_jobs, wanted.backup_jobs, "backup job"));
  FLYT_TRY(check_there(choices.firewall, wanted.firewall, "security group"));
  Enrolment& now = locked.world.inside[id].enrolled;
  if (wanted.start_at_boot) now.start_at_boot = true;
  if (wanted.start_order) now.start_order = wanted.start_order;
  if (wanted.start_delay) now.start_delay = wanted.start_delay;
  for (const auto member : {&Enrolment::ha, &Enrolment::ha_group, &Enrolment::replicate_to,
                            &Enrolment::replicate_schedule}) {
    if (!(wanted.*member).empty()) now.*member = wanted.*member;
  }
  add(wanted.ha_rules, now.ha_rules);
  add(wanted.backup_jobs, now.backup_jobs);
  add(wanted.firewall, now.firewall);
  FLYT_TRY(locked.save());
  return now;
}

Status destroy(const WorldFolder& folder, LockedWorld& locked, const std::string& id,
               const Owner& owner, const Call& call) {
  World& world = locked.world;
  const Machine* machine = world.machine(id);
  if (machine == nullptr) return ok();
  FLYT_TRY(check_ours(*machine, owner));
  FLYT_TRY(fence(locked, id, owner, call));
  give_back(world, *machine);
  world.inside.erase(id);
  auto& machines = world.ground.machines;
  machines.erase(std::remove_if(machines.begin(), machines.end(),
                                [&](const Machine& one) { return one.id == id; }),
                 machines.end());
  FLYT_TRY(locked.save());
  return remove_files(folder, id);
}

}  // namespace flyt::memory
