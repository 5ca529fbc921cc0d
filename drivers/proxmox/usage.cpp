#include "drivers/proxmox/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/cluster.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

// A machine, or a container.
struct Guest {
  std::string path, name, node;
};

Result<std::vector<Guest>> list_guests(Api& api, const Call& call) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows("/cluster/resources", "listing machines and containers", call,
                           {{"type", "vm"}}));
  std::vector<Guest> guests;
  for (const Row& row : rows) {
    const std::string node = row.text("node"), type = row.text("type"), vmid = row.text("vmid");
    guests.push_back({fmt::format("{}/{}/{}", node_path(node), type, vmid),
                      fmt::format("{} {}", type == "lxc" ? "container" : "machine", vmid), node});
  }
  return guests;
}

// "local:iso/debian.iso,media=cdrom", "file=...", "volume=...,mp=/srv".
bool names(std::string_view value, std::string_view volume) {
  const PropertyString device(value, "file");
  return std::any_of(device.items().begin(), device.items().end(),
                     [&](const auto& item) { return item.second == volume; });
}

// `path` may be gone by now.
Status check_config(Api& api, const std::string& path, const std::string& whose,
                    const std::string& volume, const Call& call) {
  const auto config =
      api.get_row(path + "/config", fmt::format("reading the configuration of {}", whose), call);
  if (!config && config.error().code == Errc::not_found) return ok();
  if (!config) return config.error();
  for (const auto& [key, value] : config->values) {
    if (!names(value, volume)) continue;
    return Error{Errc::denied, fmt::format("{} is {} of {}", volume, key, whose), "",
                 "it was attached since it was made here", "nothing was removed"};
  }
  return ok();
}

Status check_guest(Api& api, const Guest& guest, const std::string& volume, const Call& call) {
  const std::string whose = fmt::format("{} on {}", guest.name, guest.node);
  FLYT_TRY(check_config(api, guest.path, whose, volume, call));
  const std::string path = guest.path + "/snapshot";
  const auto snapshots =
      api.get_rows(path, fmt::format("listing the snapshots of {}", guest.name), call);
  if (!snapshots && snapshots.error().code == Errc::not_found) return ok();
  if (!snapshots) return snapshots.error();
  for (const Row& row : *snapshots) {
    const std::string name = row.text("name");
    if (name == "current") continue;  // how Proxmox VE lists the machine itself
    FLYT_TRY(check_config(api, fmt::format("{}/{}", path, name),
                          fmt::format("{} in its snapshot {}", whose, name), volume, call));
  }
  return ok();
}

}  // namespace

Status check_unused(Api& api, const std::string& volume, const Call& call) {
  FLYT_ASSIGN(const std::vector<Guest> guests, list_guests(api, call));
  for (const Guest& guest : guests) {
    FLYT_TRY(proceed(call, "asking who uses a volume"));
    FLYT_TRY(check_guest(api, guest, volume, call));
  }
  return ok();
}

}  // namespace flyt::proxmox
