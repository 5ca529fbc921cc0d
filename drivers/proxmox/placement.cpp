#include "drivers/proxmox/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/units.hpp"
#include "drivers/proxmox/land.hpp"

namespace flyt::proxmox {
namespace {

template <typename Thing>
const Thing* find_on(const std::vector<Thing>& things, const std::string& node,
                     const std::string& name, std::string Thing::*member) {
  const auto found = std::find_if(things.begin(), things.end(), [&](const Thing& one) {
    return one.*member == name && (one.node.empty() || one.node == node);
  });
  return found == things.end() ? nullptr : &*found;
}

Error nowhere(const std::string& what, const std::string& name, const std::set<std::string>& known,
              const std::string& node) {
  Error error{Errc::not_found, fmt::format("there is no {} {} on {}", what, name, node)};
  const std::vector<std::string_view> names(known.begin(), known.end());
  if (const auto near = nearest(name, names); !near.empty()) {
    error.remedy.push_back(fmt::format("did you mean {}?", near));
  } else {
    error.remedy.push_back(fmt::format("there are: {}", fmt::join(known, ", ")));
  }
  return error;
}

// Of one node; `room` is what is left on its fullest storage afterwards.
struct Try {
  Foundation on;
  std::uint64_t room = 0;
};

class Trial {
 public:
  Trial(const Cluster& cluster, const std::string& node, const Settings& settings)
      : cluster_(cluster), node_(node), settings_(settings) {}

  Result<Try> run(const MachineSpec& spec) {
    for (const NicSpec& nic : spec.nics) FLYT_TRY(add_bridge(nic));
    for (const DiskSpec& disk : spec.disks) FLYT_TRY(add_disk(disk));
    FLYT_TRY(check_room());
    if (settings_.way == Way::api && !spec.disks.empty()) {
      FLYT_TRY(import_storage(cluster_.storages, node_, settings_));
    }
    return std::move(try_);
  }

 private:
  Status add_bridge(const NicSpec& nic) {
    const BridgeFacts* bridge = find_on(cluster_.bridges, node_, nic.network, &BridgeFacts::name);
    if (bridge == nullptr) {
      std::set<std::string> known;
      for (const BridgeFacts& one : cluster_.bridges) known.insert(one.name);
      return nowhere("network", nic.network, known, node_);
    }
    try_.on.bridges.push_back(*bridge);
    return ok();
  }

  Status add_disk(const DiskSpec& disk) {
    std::set<std::string> known;
    const StorageFacts* storage = nullptr;
    for (const StorageFacts& one : cluster_.storages) {
      if (one.node != node_ || !one.holds("images") || !one.active) continue;
      known.insert(one.id);
      if (one.id == disk.storage || (disk.storage.empty() && storage == nullptr)) storage = &one;
    }
    if (storage == nullptr) return nowhere("storage for disks", disk.storage, known, node_);
    if (!disk.format.empty() && disk.format != "raw" &&
        !(storage->has_files() && disk.format == "qcow2")) {
      return Error{Errc::unsupported, fmt::format("storage {} ({}) keeps no disks as {}",
                                                  storage->id, storage->type, disk.format)};
    }
    try_.on.disks.push_back(*storage);
    needed_[storage->id] += disk.size_bytes;
    return ok();
  }

  Status check_room() {
    try_.room = UINT64_MAX;
    for (const StorageFacts& storage : try_.on.disks) {
      const std::uint64_t needed = needed_[storage.id];
      if (!storage.free_bytes) continue;
      if (*storage.free_bytes < needed) {
        return Error{Errc::unavailable,
                     fmt::format("no space in {} on {}: {} are free, {} are needed", storage.id,
                                 node_, format_size(*storage.free_bytes), format_size(needed)),
                     "", "", "nothing was made"};
      }
      try_.room = std::min(try_.room, *storage.free_bytes - needed);
    }
    return ok();
  }

  const Cluster& cluster_;
  const std::string& node_;
  const Settings& settings_;
  Try try_;
  std::map<std::string, std::uint64_t> needed_;
};

}  // namespace

Result<Placement> place(const Cluster& cluster, const Settings& settings, const MachineSpec& spec) {
  std::optional<Placement> best;
  std::optional<Error> first;
  std::uint64_t most = 0;
  std::set<std::string> names;
  for (const NodeFacts& node : cluster.nodes) {
    names.insert(node.name);
    if (!node.online || (!settings.node.empty() && node.name != settings.node)) continue;
    auto tried = Trial(cluster, node.name, settings).run(spec);
    if (!tried) {
      if (!first) first = std::move(tried).error();
      continue;
    }
    if (best && tried->room <= most) continue;
    most = tried->room;
    best = Placement{node.name, std::move(tried->on)};
  }
  if (!best && first) return *std::move(first);
  if (!best) return nowhere("node", settings.node, names, "the cluster, or it is offline:");
  best->on.pool = settings.pool;
  best->on.kvm = settings.kvm;
  best->on.cpu = settings.cpu.empty() ? cpu_baseline(cluster.nodes) : settings.cpu;
  return *std::move(best);
}

namespace {

constexpr std::string_view looking = "looking for a number";

Error no_number(const Settings& settings) {
  return Error{
      Errc::unavailable,
      fmt::format("no number from {} to {} is free", settings.vmid_first, settings.vmid_last),
      "",
      "",
      "nothing was made",
      {"vmids = \"FIRST-LAST\" in the endpoint's table: a wider range"}};
}

// Of disks that flyt has made for no machine.
Result<std::set<std::string>> kept_numbers(const Context& context) {
  FLYT_ASSIGN(const std::vector<KeptFile> kept, context.kept.all());
  std::set<std::string> numbers;
  for (const KeptFile& file : kept) {
    if (file.path.empty()) numbers.insert(vmid_of_disk(file.volume.name));
  }
  return numbers;
}

}  // namespace

Result<bool> is_free(Api& api, const std::string& vmid, std::string_view what, const Call& call) {
  const auto free = api.get("/cluster/nextid", what, call, {{"vmid", vmid}});
  if (free) return true;
  if (free.error().code == Errc::invalid || free.error().code == Errc::exists) return false;
  return free.error();
}

std::string vmid_of_disk(const std::string& name) {
  const auto from = name.find('-') + 1;
  return name.substr(from, name.find('-', from) - from);
}

Result<std::string> free_vmid(Context& context, const std::vector<MachineHere>& machines,
                              unsigned not_below, const Call& call) {
  FLYT_ASSIGN(std::set<std::string> taken, kept_numbers(context));
  for (const MachineHere& one : machines) taken.insert(one.vmid);
  const Settings& settings = context.settings;
  for (unsigned id = std::max(settings.vmid_first, not_below); id <= settings.vmid_last; ++id) {
    std::string text = std::to_string(id);
    if (taken.contains(text)) continue;
    FLYT_ASSIGN(const bool free, is_free(context.api, text, looking, call));
    if (free) return text;
  }
  return no_number(settings);
}

Result<std::string> last_free_vmid(Context& context, const Call& call) {
  FLYT_ASSIGN(const std::set<std::string> taken, kept_numbers(context));
  const Settings& settings = context.settings;
  for (unsigned id = settings.vmid_last; id >= settings.vmid_first; --id) {
    std::string text = std::to_string(id);
    if (taken.contains(text)) continue;
    FLYT_ASSIGN(const bool free, is_free(context.api, text, looking, call));
    if (free) return text;
  }
  return no_number(settings);
}

}  // namespace flyt::proxmox
