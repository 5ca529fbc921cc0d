#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/dns_name.hpp"
#include "base/units.hpp"
#include "planners/concerns.hpp"
#include "planners/draft.hpp"

namespace flyt {
namespace {

class RoomCheck {
 public:
  RoomCheck(const PlanInput& input, Draft& draft, const TargetRoom& room)
      : target_(*input.target), draft_(draft), spec_(draft.machine.spec), room_(room) {}

  void check() {
    if (!draft_.machine.spec.bare.empty()) {
      check_volume();
      return;
    }
    const Machine* ours = room_.made_by(spec_.owner.id);
    if (ours != nullptr) {
      raise("T-OURS", fmt::format("{} is on {} already, made by this migration", ours->name,
                                  target_.endpoint));
      check_ours(*ours);
      check_firmware(*ours);
    }
    check_identity();
    check_host();
    if (ours == nullptr) {
      check_storages();
      check_passages();
    }
  }

 private:
  void raise(std::string_view code, std::string text, std::string remedy = {}) {
    draft_.concerns.push_back(
        concern(code, draft_.machine.source.name, std::move(text), std::move(remedy)));
  }

  void check_volume() {
    if (const Volume* ours = room_.volume_of(spec_.owner.id)) {
      raise("T-OURS", fmt::format("it is on {} already, made by this migration", target_.endpoint));
      if (ours->size_bytes >= spec_.disks.front().size_bytes) return;
      raise("T-OURS-DISKS",
            fmt::format("what this migration made on {} has another size", target_.endpoint),
            fmt::format("flyt undo {} --target", draft_.machine.source.name));
      return;
    }
    if (const auto which = room_.volume_taken(spec_); !which.empty()) {
      raise("T-VOLUME", fmt::format("the name \"{}\" is taken: {}", spec_.name, which));
    }
    check_storages();
  }

  // As apply compares what it finds: a platform may have rounded a size up.
  void check_ours(const Machine& ours) {
    if (!ours.unreadable.empty()) return;
    const bool same_number = ours.disks.size() == spec_.disks.size();
    std::map<std::string, std::uint64_t> missing;
    for (std::size_t i = 0; same_number && i < ours.disks.size(); ++i) {
      if (ours.disks[i].size_bytes >= spec_.disks[i].size_bytes) continue;
      missing[spec_.disks[i].storage] += spec_.disks[i].size_bytes - ours.disks[i].size_bytes;
    }
    if (same_number && missing.empty()) return;
    if (!same_number || !target_.can.has(Capability::grow)) {
      raise("T-OURS-DISKS",
            fmt::format("{} on {}, made by this migration, has not the disks that the source has "
                        "now",
                        ours.name, target_.endpoint),
            fmt::format("flyt undo {} --target", draft_.machine.source.name));
      return;
    }
    raise("T-OURS-GROWN",
          fmt::format("{} on {} gets larger disks, as the source has now; what was copied of those "
                      "is copied anew",
                      ours.name, target_.endpoint));
    check_room_of(missing);
  }

  void check_firmware(const Machine& ours) {
    if (!ours.unreadable.empty()) return;
    const bool secure = ours.firmware.secure_boot.value_or(spec_.secure_boot);
    std::string other;
    if (secure && !spec_.secure_boot) other = "starts by Secure Boot";
    if (!secure && spec_.secure_boot) other = "has no Secure Boot";
    if (spec_.tpm && !ours.firmware.tpm.value_or(true)) other = "has no TPM";
    if (other.empty()) return;
    raise("T-OURS-FIRMWARE",
          fmt::format("{} on {}, made by this migration, {}, and the plan has it otherwise",
                      ours.name, target_.endpoint, other));
  }

  void check_identity() {
    const bool blank = spec_.name.find_first_not_of(' ') == std::string::npos;
    if (blank || spec_.name.find('/') != std::string::npos ||
        (target_.dns_names && !is_dns_name(spec_.name))) {
      raise("T-NAME-INVALID",
            fmt::format("no machine of {} can be called \"{}\"", target_.endpoint, spec_.name),
            fmt::format("in the site file: [machines.\"{}\"]  name = \"...\"",
                        draft_.machine.source.name));
    }
    if (const auto who = room_.name_taken(spec_.name, spec_.owner.id); !who.empty()) {
      raise("T-NAME", fmt::format("the name \"{}\" is taken: {}", spec_.name, who),
            fmt::format("in the site file: [machines.\"{}\"]  name = \"...\"",
                        draft_.machine.source.name));
    }
    std::set<std::string> own;
    for (const NicSpec& nic : spec_.nics) {
      if (nic.mac.empty()) continue;
      if (!own.insert(plain_mac(nic.mac)).second) {
        raise("T-MAC", fmt::format("two of its network cards have the MAC address {}", nic.mac));
      }
      if (const auto who = room_.mac_taken(nic.mac, spec_.owner.id); !who.empty()) {
        raise("T-MAC", fmt::format("the MAC address {} is taken: {}", nic.mac, who));
      }
    }
    if (spec_.uuid.empty()) return;
    if (const auto who = room_.uuid_taken(spec_.uuid, spec_.owner.id); !who.empty()) {
      raise("T-UUID", fmt::format("its uuid is taken: {}; it gets another", who));
      spec_.uuid.clear();
    }
  }

  void check_host() {
    if (const auto most = room_.largest_memory(); most && spec_.memory_bytes > *most) {
      raise("T-MEMORY",
            fmt::format("it needs {} of memory, {} has hosts with {} at most",
                        format_size(spec_.memory_bytes), target_.endpoint, format_size(*most)));
    }
    if (const auto most = room_.most_cpus(); most && spec_.cpus > *most) {
      raise("T-CPUS", fmt::format("it has {} CPUs, {} has hosts with {} at most", spec_.cpus,
                                  target_.endpoint, *most));
    }
  }

  void check_storages() {
    std::map<std::string, std::uint64_t> needed, largest;
    for (const DiskSpec& disk : spec_.disks) {
      if (disk.storage.empty()) continue;
      needed[disk.storage] += disk.size_bytes;
      largest[disk.storage] = std::max(largest[disk.storage], disk.size_bytes);
    }
    for (const Storage& one : target_.storages) {
      if (one.doubles && needed.contains(one.name)) needed[one.name] += largest[one.name];
    }
    check_room_of(needed);
  }

  void check_room_of(const std::map<std::string, std::uint64_t>& needed) {
    for (const auto& entry : needed) {
      const std::string& storage = entry.first;
      const auto free = room_.free_bytes(storage);
      if (!free) {
        raise("T-STORAGE-UNKNOWN",
              fmt::format("nobody knows how much room storage \"{}\" has", storage));
      } else if (entry.second > *free) {
        raise("T-STORAGE-FULL", fmt::format("storage \"{}\" has {} left, it needs {}", storage,
                                            format_size(*free), format_size(entry.second)));
      } else {
        draft_.machine.placement_why +=
            fmt::format("; {} has {} left", storage, format_size(*free));
      }
    }
  }

  void check_passages() {
    for (const Passage& passage : target_.passages) {
      if (!passage.free_bytes) continue;
      const std::uint64_t needed = room_.needed_on(passage, draft_.machine.source.disks);
      if (needed <= *passage.free_bytes) continue;
      raise("T-PASSAGE-FULL",
            fmt::format("{} has {} left, and {} of {} lie there on their way", passage.name,
                        format_size(*passage.free_bytes), format_size(needed),
                        passage.all_at_once ? "all disks of the plan so far" : "its largest disk"));
    }
  }

  const Inventory& target_;
  Draft& draft_;
  MachineSpec& spec_;
  const TargetRoom& room_;
};

}  // namespace

void check_room(const PlanInput& input, Draft& draft, TargetRoom& room) {
  RoomCheck(input, draft, room).check();
  if (draft.blocked()) return;
  if (room.made_by(draft.machine.migration_id) == nullptr) {
    room.take_passages(draft.machine.source.disks);
  }
  room.take(draft.machine.spec);
}

}  // namespace flyt
