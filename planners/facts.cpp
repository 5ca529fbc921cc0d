#include <fmt/format.h>

#include <map>

#include "planners/draft.hpp"

namespace flyt {
namespace {

using Kind = Fact::Kind;

void add_source_facts(const Machine& source, std::vector<Fact>& facts) {
  facts.push_back({Kind::pinned, "source", "uuid", source.uuid});
  if (source.bare.empty()) {
    facts.push_back(
        {Kind::pinned, "source", "firmware", std::string(to_string(source.firmware.kind))});
  }
  for (std::size_t i = 0; i < source.disks.size(); ++i) {
    const Disk& disk = source.disks[i];
    const std::string subject = fmt::format("source disk {}", i);
    if (!disk.uuid.empty()) facts.push_back({Kind::pinned, subject, "uuid", disk.uuid});
    facts.push_back({Kind::pinned, subject, "size_bytes", fmt::format("{}", disk.size_bytes)});
    // A snapshot that a backup takes changes how a disk is stored for a while, and not what it
    // holds.
    if (!disk.format.empty()) facts.push_back({Kind::noted, subject, "format", disk.format});
  }
  for (std::size_t i = 0; i < source.nics.size(); ++i) {
    const Nic& nic = source.nics[i];
    if (nic.mac.empty()) continue;
    facts.push_back({Kind::pinned, fmt::format("source nic {}", i), "mac", nic.mac});
  }
  if (!source.host.empty()) facts.push_back({Kind::noted, "source", "host", source.host});
  if (!source.bare.empty()) return;
  facts.push_back({Kind::noted, "source", "power", std::string(to_string(source.power))});
}

}  // namespace

std::vector<Fact> facts_of(const PlanInput& input, const PlannedMachine& planned) {
  std::vector<Fact> facts;
  add_source_facts(planned.source, facts);
  facts.push_back({Kind::pinned, "target", "platform_id", input.target->platform_id});
  for (const Verdict& verdict : input.ground) {
    if (verdict.question != Question::place && verdict.question != Question::owner) continue;
    facts.push_back({Kind::pinned, "target", std::string(to_string(verdict.question)),
                     fmt::format("{} {}", to_string(verdict.answer), verdict.value)});
  }
  std::map<std::string, std::uint64_t> needed;
  for (const DiskSpec& disk : planned.spec.disks) needed[disk.storage] += disk.size_bytes;
  for (const auto& entry : needed) {
    facts.push_back({Kind::bounded, fmt::format("target storage {}", entry.first), "free_bytes",
                     fmt::format("{}", entry.second)});
  }
  if (!planned.spec.bare.empty()) return facts;
  facts.push_back(
      {Kind::bounded, "target", "memory_bytes", fmt::format("{}", planned.spec.memory_bytes)});
  return facts;
}

}  // namespace flyt
