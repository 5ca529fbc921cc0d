#include "planners/estimate.hpp"

#include <algorithm>

#include "base/units.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t slow = 60 * mib, usual = 120 * mib, fast = 250 * mib;  // bytes per second

// What one takes beside the copying of its bytes.
struct Beside {
  std::chrono::seconds low, likely, high;
};
constexpr Beside beside{std::chrono::seconds{30}, std::chrono::seconds{90},
                        std::chrono::minutes{5}};
constexpr Beside beside_unstarted{std::chrono::seconds{2}, std::chrono::seconds{5},
                                  std::chrono::seconds{30}};

std::chrono::seconds at_rate(std::uint64_t bytes, std::uint64_t rate) {
  return std::chrono::seconds{static_cast<std::int64_t>(bytes / rate + (bytes % rate != 0))};
}

// What a machine uses is known of all its disks together, and one driver lands all in one way.
bool lands_later(const MachineSpec& spec, const std::vector<Storage>& storages) {
  return std::any_of(spec.disks.begin(), spec.disks.end(), [&](const DiskSpec& disk) {
    return std::any_of(storages.begin(), storages.end(),
                       [&](const Storage& one) { return one.later && one.name == disk.storage; });
  });
}

}  // namespace

Estimate estimate(const std::vector<PlannedMachine>& machines,
                  const std::vector<Storage>& storages) {
  Estimate sum;
  for (const PlannedMachine& machine : machines) {
    for (const DiskSpec& disk : machine.spec.disks) sum.disk_bytes += disk.size_bytes;
    sum.copy_bytes += machine.copy_bytes;
    if (lands_later(machine.spec, storages)) sum.land_bytes += machine.copy_bytes;
    const auto& [low, likely, high] = machine.starts() ? beside : beside_unstarted;
    sum.low += low;
    sum.likely += likely;
    sum.high += high;
  }
  const std::uint64_t landing = 2 * sum.land_bytes;  // sent, and read in there
  sum.land = at_rate(landing, usual);
  sum.low += at_rate(sum.copy_bytes, fast) + at_rate(landing, fast);
  sum.likely += at_rate(sum.copy_bytes, usual) + sum.land;
  sum.high += at_rate(sum.copy_bytes, slow) + at_rate(landing, slow);
  return sum;
}

}  // namespace flyt
