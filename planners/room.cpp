#include "planners/room.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/lower_case.hpp"
#include "planners/draft.hpp"

namespace flyt {
namespace {

std::string of_plan(const std::map<std::string, std::string>& taken, const std::string& key) {
  const auto found = taken.find(key);
  return found == taken.end() ? std::string() : fmt::format("{} of this plan", found->second);
}

// What is empty is not sent.
std::uint64_t passing(const Disk& disk) {
  return std::min(disk.used_bytes.value_or(disk.size_bytes), disk.size_bytes);
}

}  // namespace

std::string plain_mac(std::string_view mac) {
  std::string plain = lower_case(mac);
  std::replace(plain.begin(), plain.end(), '-', ':');
  return plain;
}

TargetRoom::TargetRoom(const Inventory& target) : target_(target) {
  for (const Machine& machine : target.machines) {
    there_.names.emplace(machine.name, &machine);
    there_.uuids.emplace(machine.uuid, &machine);
    made_.emplace(machine.migration_id, &machine);
    for (const Nic& nic : machine.nics) there_.macs.emplace(plain_mac(nic.mac), &machine);
  }
}

const Machine* TargetRoom::made_by(const std::string& migration_id) const {
  const auto found = made_.find(migration_id);
  return found == made_.end() ? nullptr : found->second;
}

std::string TargetRoom::who_has(const Holders& holders, const std::string& key,
                                const std::string& migration_id) const {
  const auto [first, last] = holders.equal_range(key);
  const auto other = std::find_if(
      first, last, [&](const auto& one) { return one.second->migration_id != migration_id; });
  if (other == last) return {};
  return fmt::format("{} on {}", other->second->name, target_.endpoint);
}

std::string TargetRoom::name_taken(const std::string& name, const std::string& migration_id) const {
  auto who = who_has(there_.names, name, migration_id);
  return who.empty() ? of_plan(names_, name) : who;
}

std::string TargetRoom::mac_taken(const std::string& mac, const std::string& migration_id) const {
  const std::string plain = plain_mac(mac);
  auto who = who_has(there_.macs, plain, migration_id);
  return who.empty() ? of_plan(macs_, plain) : who;
}

std::string TargetRoom::uuid_taken(const std::string& uuid, const std::string& migration_id) const {
  auto who = who_has(there_.uuids, uuid, migration_id);
  return who.empty() ? of_plan(uuids_, uuid) : who;
}

std::string TargetRoom::volume_taken(const MachineSpec& spec) const {
  const std::string& storage = spec.disks.front().storage;
  for (const Volume& volume : target_.volumes) {
    const bool there = std::any_of(
        target_.storages.begin(), target_.storages.end(),
        [&](const Storage& one) { return one.id == volume.storage && one.name == storage; });
    const std::string name = spec.bare == "disk" ? without_format(volume.name) : volume.name;
    if (there && name == spec.name && volume.migration_id != spec.owner.id) {
      return fmt::format("{} of {}", volume.id, target_.endpoint);
    }
  }
  return volumes_.contains(storage + "/" + spec.name) ? "another volume of this plan" : "";
}

const Volume* TargetRoom::volume_of(const std::string& migration_id) const {
  const auto found =
      std::find_if(target_.volumes.begin(), target_.volumes.end(),
                   [&](const Volume& one) { return one.migration_id == migration_id; });
  return found == target_.volumes.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> TargetRoom::free_bytes(const std::string& storage) const {
  for (const Storage& one : target_.storages) {
    if (one.name != storage || !one.free_bytes) continue;
    const auto planned = planned_bytes_.find(storage);
    const std::uint64_t used = planned == planned_bytes_.end() ? 0 : planned->second;
    return *one.free_bytes - std::min(*one.free_bytes, used);
  }
  return std::nullopt;
}

std::uint64_t TargetRoom::needed_on(const Passage& passage, const std::vector<Disk>& disks) const {
  std::uint64_t all = passing_bytes_, largest = 0;
  for (const Disk& disk : disks) {
    const std::uint64_t bytes = passing(disk);
    all += bytes;
    largest = std::max(largest, bytes);
  }
  return passage.all_at_once ? all : largest;
}

void TargetRoom::take_passages(const std::vector<Disk>& disks) {
  for (const Disk& disk : disks) passing_bytes_ += passing(disk);
}

std::optional<std::uint64_t> TargetRoom::largest_memory() const {
  std::optional<std::uint64_t> most;
  for (const Host& host : target_.hosts) {
    if (!host.memory_bytes) return std::nullopt;
    most = std::max(most.value_or(0), *host.memory_bytes);
  }
  return most;
}

std::optional<std::uint32_t> TargetRoom::most_cpus() const {
  std::optional<std::uint32_t> most;
  for (const Host& host : target_.hosts) {
    if (!host.cpus) return std::nullopt;
    most = std::max(most.value_or(0), *host.cpus);
  }
  return most;
}

std::uint64_t TargetRoom::memory_missing() const {
  std::uint64_t free = 0;
  for (const Host& host : target_.hosts) {
    if (!host.memory_free_bytes) return 0;
    free += *host.memory_free_bytes;
  }
  return target_.hosts.empty() ? 0 : planned_memory_ - std::min(planned_memory_, free);
}

void TargetRoom::take(const MachineSpec& spec) {
  if (spec.bare.empty()) {
    names_.emplace(spec.name, spec.name);
  } else {
    volumes_.insert(spec.disks.front().storage + "/" + spec.name);
    if (volume_of(spec.owner.id) != nullptr) return;
  }
  if (!spec.uuid.empty()) uuids_.emplace(spec.uuid, spec.name);
  for (const NicSpec& nic : spec.nics) {
    if (!nic.mac.empty()) macs_.emplace(plain_mac(nic.mac), spec.name);
  }
  // What is there already has its room.
  const Machine* ours = made_by(spec.owner.id);
  if (ours == nullptr || ours->power != Power::on) planned_memory_ += spec.memory_bytes;
  if (ours != nullptr) return;
  for (const DiskSpec& disk : spec.disks) planned_bytes_[disk.storage] += disk.size_bytes;
}

}  // namespace flyt
