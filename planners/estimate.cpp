#include "planners/estimate.hpp"

#include "base/units.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t slow = 60 * mib, usual = 120 * mib, fast = 250 * mib;  // bytes per second

std::chrono::seconds at_rate(std::uint64_t bytes, std::uint64_t rate) {
  return std::chrono::seconds{static_cast<std::int64_t>(bytes / rate + (bytes % rate != 0))};
}

}  // namespace

Estimate estimate(const std::vector<PlannedMachine>& machines) {
  Estimate sum;
  for (const PlannedMachine& machine : machines) {
    for (const DiskSpec& disk : machine.spec.disks) sum.disk_bytes += disk.size_bytes;
    sum.copy_bytes += machine.copy_bytes;
    sum.low += std::chrono::seconds{30};
    sum.likely += std::chrono::seconds{90};
    sum.high += std::chrono::minutes{5};
  }
  sum.low += at_rate(sum.copy_bytes, fast);
  sum.likely += at_rate(sum.copy_bytes, usual);
  sum.high += at_rate(sum.copy_bytes, slow);
  return sum;
}

}  // namespace flyt
