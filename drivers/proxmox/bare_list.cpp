// Finding the volumes that belong to no machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "drivers/proxmox/bare.hpp"
#include "drivers/proxmox/inventory.hpp"
#include "drivers/proxmox/placement.hpp"

namespace flyt::proxmox {
namespace {

struct Content {
  std::string_view word;  // Proxmox VE's own
  std::string_view kind;  // Volume::kind
};
constexpr std::array<Content, 4> contents{
    {{"images", "disk"}, {"iso", "iso"}, {"vztmpl", "template"}, {"backup", "backup"}}};

std::string_view kind_of(std::string_view word) {
  const auto* found = std::find_if(contents.begin(), contents.end(),
                                   [&](const Content& one) { return one.word == word; });
  return found == contents.end() ? std::string_view() : found->kind;
}

class Lister {
 public:
  Lister(Context& context, const std::vector<MachineHere>& machines,
         const std::set<std::string>& unused, const Call& call)
      : context_(context), unused_(unused), call_(call) {
    for (const MachineHere& one : machines) taken_[one.vmid] = true;
  }

  Status add(const StorageFacts& storage) {
    if (!storage.active || !any_of_ours(storage)) return ok();
    if (storage.shared && !shared_.insert(storage.id).second) return ok();
    auto listed = list_volumes(context_.api, storage.node, storage.id, {}, call_);
    if (!listed) {
      const Errc code = listed.error().code;
      if (code == Errc::denied || code == Errc::unavailable) return ok();  // not to be seen
      return listed.error();
    }
    std::uint64_t& promised = found.promised[{storage.node, storage.id}];
    for (const VolumeFacts& volume : *listed) {
      const bool disk = volume.content == "images" || volume.content == "rootdir";
      if (disk) promised += volume.size_bytes.value_or(0);
      FLYT_TRY(take(storage, volume));
    }
    return ok();
  }

  BareVolumes found;

 private:
  static bool any_of_ours(const StorageFacts& storage) {
    return std::any_of(contents.begin(), contents.end(),
                       [&](const Content& one) { return storage.holds(one.word); });
  }

  Status take(const StorageFacts& storage, const VolumeFacts& facts) {
    const std::string_view kind = kind_of(facts.content);
    // A backup server's are no files.
    if (kind.empty() || (kind != "disk" && !storage.has_files())) return ok();
    if (kind == "disk" && !unused_.contains(facts.id)) {
      FLYT_ASSIGN(const bool taken, is_taken(facts.vmid));
      if (taken) return ok();
    }
    Volume volume;
    volume.id = storage.shared ? facts.id : storage.node + "/" + facts.id;
    volume.name = facts.id.substr(facts.id.find_last_of(":/") + 1);
    volume.storage = storage.id;
    volume.kind = kind;
    volume.format = kind == "disk" ? facts.format : "raw";
    volume.size_bytes = facts.size_bytes.value_or(0);
    if (!by_ssh(context_.settings.way)) {
      volume.left_out = "the API alone lets nobody read it: landing = \"ssh\"";
    }
    found.volumes.push_back(std::move(volume));
    return ok();
  }

  Result<bool> is_taken(const std::string& vmid) {
    if (vmid.empty()) return true;
    if (const auto known = taken_.find(vmid); known != taken_.end()) return known->second;
    FLYT_ASSIGN(const bool free, is_free(context_.api, vmid, "asking whose a disk is", call_));
    return taken_[vmid] = !free;
  }

  Context& context_;
  const std::set<std::string>& unused_;
  const Call& call_;
  std::map<std::string, bool> taken_;  // numbers of machines
  std::set<std::string> shared_;       // storages that were looked at on one node
};

}  // namespace

BarePlace BarePlace::parse(const std::string& id) {
  const auto slash = id.find('/');
  if (slash == std::string::npos || id.find(':') < slash) return {"", id};
  return {id.substr(0, slash), id.substr(slash + 1)};
}

void add_unused(const Row& config, std::set<std::string>& unused) {
  for (const auto& [key, value] : config.values) {
    if (key.starts_with("unused")) unused.insert(value.substr(0, value.find(',')));
  }
}

std::vector<std::string> kept_kinds(const StorageFacts& storage, Way way) {
  std::vector<std::string> kinds;
  if (!by_ssh(way)) return kinds;
  for (const Content& one : contents) {
    if (!storage.holds(one.word) || (one.word != "images" && !storage.has_files())) continue;
    kinds.emplace_back(one.kind);
  }
  return kinds;
}

Result<BareVolumes> list_bare(Context& context, const Cluster& cluster,
                              const std::vector<MachineHere>& machines,
                              const std::set<std::string>& unused, const Call& call) {
  Lister lister(context, machines, unused, call);
  for (const StorageFacts& storage : cluster.storages) {
    FLYT_TRY(proceed(call, "listing volumes"));
    FLYT_TRY(lister.add(storage));
  }
  FLYT_ASSIGN(const std::vector<KeptFile> kept, context.kept.all());
  for (Volume& volume : lister.found.volumes) {
    for (const KeptFile& file : kept) {
      const bool made = file.path.empty() || !file.stamp.empty();
      if (made && file.volume.id == volume.id) volume.migration_id = file.owner.id;
    }
  }
  std::sort(lister.found.volumes.begin(), lister.found.volumes.end(),
            [](const Volume& a, const Volume& b) {
              return a.name != b.name ? a.name < b.name : a.id < b.id;
            });
  return std::move(lister.found);
}

}  // namespace flyt::proxmox
