// What is free and what is taken on the target, by its own machines and by what the plan has put
// there so far.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/inventory.hpp"
#include "base/machine_spec.hpp"

namespace flyt {

// As nouns have it: lower case, colons.
std::string plain_mac(std::string_view mac);

class TargetRoom {
 public:
  // `target` outlives it.
  explicit TargetRoom(const Inventory& target);

  // The machine on the target that this migration made; nullptr: none.
  const Machine* made_by(const std::string& migration_id) const;

  // Who has it already, other than the migration itself: "web01 on kvm", "web02 of this plan".
  // Empty: it is free.
  std::string name_taken(const std::string& name, const std::string& migration_id) const;
  // However the letters of either are written.
  std::string mac_taken(const std::string& mac, const std::string& migration_id) const;
  std::string uuid_taken(const std::string& uuid, const std::string& migration_id) const;
  // Of a volume without a machine, by its only disk's storage.
  std::string volume_taken(const MachineSpec& spec) const;
  // The volume on the target that this migration made; nullptr: none.
  const Volume* volume_of(const std::string& migration_id) const;

  // What is left of a storage after what was planned; nothing: not known.
  std::optional<std::uint64_t> free_bytes(const std::string& storage) const;
  // What the planned machines and one more, of these disks, need of a passage.
  std::uint64_t needed_on(const Passage& passage, const std::vector<Disk>& disks) const;
  std::optional<std::uint64_t> largest_memory() const;  // of one host
  std::optional<std::uint32_t> most_cpus() const;       // of one host
  // By how much all planned machines exceed the free memory of all hosts; 0: they fit, or nobody
  // knows.
  std::uint64_t memory_missing() const;

  void take(const MachineSpec& spec);
  void take_passages(const std::vector<Disk>& disks);

 private:
  using Holders = std::multimap<std::string, const Machine*>;  // in the inventory's order

  // Of machines that are there: one that another migration made, or none. Empty: nobody.
  std::string who_has(const Holders& holders, const std::string& key,
                      const std::string& migration_id) const;

  const Inventory& target_;
  struct {
    Holders names, macs, uuids;
  } there_;
  std::map<std::string, const Machine*> made_;               // by migration id
  std::map<std::string, std::string> names_, macs_, uuids_;  // of the plan -> machine name
  std::map<std::string, std::uint64_t> planned_bytes_;       // by storage
  std::set<std::string> volumes_;                            // of the plan: storage and name
  std::uint64_t planned_memory_ = 0;
  std::uint64_t passing_bytes_ = 0;  // of the planned disks, on their way
};

}  // namespace flyt
