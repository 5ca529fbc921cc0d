#include "drivers/vsphere/hosting.hpp"

#include <algorithm>
#include <array>

#include "base/units.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/identity.hpp"
#include "drivers/vsphere/power.hpp"
#include "drivers/vsphere/snapshots.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::int64_t largest_reservation = std::int64_t{1} << 32;  // MHz or MiB: 4 PiB

std::optional<bool> flag(const Object& machine, std::string_view path) {
  const std::string text = machine.text(path);
  if (text.empty()) return {};
  return text == "true" || text == "1";
}

// Of a ResourceAllocationInfo.
std::optional<std::uint64_t> reserved(const Object& machine, std::string_view path) {
  const auto amount = number_child(machine.at(path), "reservation");
  if (!amount || *amount < 0 || *amount > largest_reservation) return {};
  return static_cast<std::uint64_t>(*amount);
}

bool is_pinned(const Object& machine) {
  return xml_child(machine.at("config.cpuAffinity"), "affinitySet") ||
         !extra_option(machine.at("config.extraConfig"), "numa.nodeAffinity").empty();
}

bool is_encrypted(const Object& machine, const Devices& devices) {
  return machine.at("config.keyId") ||
         std::any_of(devices.disks.begin(), devices.disks.end(),
                     [](const DeviceDisk& disk) { return disk.encrypted; });
}

bool keeps_memory(const Object& machine) {
  const auto files = machine.at("layoutEx.file").children();
  return std::any_of(files.begin(), files.end(), [](const pugi::xml_node file) {
    return xml_child_text(file, "type") == "snapshotMemory";
  });
}

}  // namespace

std::vector<std::string> hosting_properties() {
  return {"config.changeTrackingEnabled",
          "config.cpuAffinity",
          "config.cpuAllocation",
          "config.cpuHotAddEnabled",
          "config.extraConfig",
          "config.keyId",
          "config.latencySensitivity",
          "config.memoryAllocation",
          "config.memoryHotAddEnabled",
          "guest.toolsRunningStatus",
          "guest.toolsVersion",
          "guest.toolsVersionStatus2",
          "layoutEx.file",
          "resourcePool",
          "runtime.consolidationNeeded",
          "runtime.faultToleranceState",
          "runtime.host",
          "snapshot",
          "summary.quickStats"};
}

Hosting hosting_of(const Object& machine, const Devices& devices, const Surroundings& around) {
  Hosting found;
  found.cluster = around.cluster_of(machine.ref_at("runtime.host"));
  found.resource_pool = around.pool_of(machine.ref_at("resourcePool"));
  found.cpu_reserved_mhz = reserved(machine, "config.cpuAllocation");
  found.memory_reserved_bytes = reserved(machine, "config.memoryAllocation");
  if (found.memory_reserved_bytes) *found.memory_reserved_bytes *= mib;
  found.cpu_hot_add = flag(machine, "config.cpuHotAddEnabled");
  found.memory_hot_add = flag(machine, "config.memoryHotAddEnabled");
  found.pinned = is_pinned(machine);
  if (const auto level = xml_child_text(machine.at("config.latencySensitivity"), "level");
      !level.empty()) {
    found.latency_sensitive = level == "high";
  }
  if (const auto state = machine.text("runtime.faultToleranceState"); !state.empty()) {
    found.fault_tolerant = state != "notConfigured";
  }
  found.encrypted = is_encrypted(machine, devices);
  found.change_tracking = flag(machine, "config.changeTrackingEnabled");
  found.snapshots = static_cast<std::uint32_t>(foreign_snapshots(machine.at("snapshot")).size());
  found.snapshot_memory = keeps_memory(machine);
  found.consolidation_needed = flag(machine, "runtime.consolidationNeeded");
  const auto up = number_child(machine.at("summary.quickStats"), "uptimeSeconds");
  if (up && *up > 0) found.up_seconds = static_cast<std::uint64_t>(*up);
  return found;
}

Tools tools_of(const Object& machine) {
  // VirtualMachineToolsVersionStatus, those that ask for a newer version.
  constexpr std::array<std::string_view, 4> old{"guestToolsBlacklisted", "guestToolsNeedUpgrade",
                                                "guestToolsSupportedOld", "guestToolsTooOld"};
  Tools tools;
  const std::string status = machine.text("guest.toolsVersionStatus2");
  const std::string running = machine.text("guest.toolsRunningStatus");
  if (status == "guestToolsNotInstalled") {
    tools.state = ToolsState::absent;
    return tools;
  }
  if (are_tools_running(running)) {
    tools.state = ToolsState::running;
  } else if (running == "guestToolsNotRunning") {
    tools.state = ToolsState::stopped;
  }
  if (const auto version = machine.text("guest.toolsVersion"); version != "0") {
    tools.version = version;
  }
  if (!status.empty()) tools.old = std::find(old.begin(), old.end(), status) != old.end();
  return tools;
}

}  // namespace flyt::vsphere
