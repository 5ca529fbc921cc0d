#include "plans/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/units.hpp"

namespace flyt {
namespace {

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Error drifted(const Fact& fact, const std::string& now) {
  const std::string planned =
      fact.kind == Fact::Kind::bounded ? format_size(number(fact.value)) : fact.value;
  return {.code = Errc::invalid,
          .what = fmt::format("drift: {} {}", fact.subject, fact.name),
          .seen = fmt::format("planned {}, now {}", planned, now.empty() ? "nothing" : now),
          .why = "the world has changed since the plan was made",
          .remedy = {"flyt plan", "and apply the new plan: it goes on where this one was"}};
}

// The number behind "source disk " and "source nic ".
std::optional<std::size_t> index_of(const std::string& subject, std::string_view before) {
  if (!subject.starts_with(before)) return std::nullopt;
  std::size_t index = 0;
  const char* begin = subject.data() + before.size();
  const char* end = subject.data() + subject.size();
  const auto read = std::from_chars(begin, end, index);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return index;
}

std::string of_disk(const Disk& disk, const std::string& name) {
  if (name == "uuid") return disk.uuid;
  if (name == "size_bytes") return fmt::format("{}", disk.size_bytes);
  return disk.format;
}

// What a pinned fact is now; nothing: it is not one of an inventory.
std::optional<std::string> value_now(const Fact& fact, const Machine& machine,
                                     const Inventory& target) {
  if (fact.subject == "target") {
    if (fact.name != "platform_id") return std::nullopt;
    return target.platform_id;
  }
  if (fact.subject == "source") {
    if (fact.name == "uuid") return machine.uuid;
    if (fact.name == "firmware") return std::string(to_string(machine.firmware.kind));
    return std::nullopt;
  }
  if (const auto disk = index_of(fact.subject, "source disk ")) {
    return *disk < machine.disks.size() ? of_disk(machine.disks[*disk], fact.name) : "";
  }
  if (const auto nic = index_of(fact.subject, "source nic ")) {
    return *nic < machine.nics.size() ? machine.nics[*nic].mac : "";
  }
  return std::nullopt;
}

bool made_by_us(const PlannedMachine& planned, const Inventory& target) {
  return std::any_of(target.machines.begin(), target.machines.end(), [&](const Machine& machine) {
    return machine.migration_id == planned.migration_id;
  });
}

// How much of a bounded fact is there now; nothing: the platform does not say.
std::optional<std::uint64_t> free_now(const Fact& fact, const Inventory& target) {
  constexpr std::string_view storage = "target storage ";
  if (fact.subject.starts_with(storage)) {
    for (const Storage& one : target.storages) {
      if (one.name == fact.subject.substr(storage.size())) return one.free_bytes;
    }
    return 0;
  }
  std::optional<std::uint64_t> most;
  for (const Host& host : target.hosts) {
    // As the planner counts: what others use of it now may be theirs for a moment only.
    if (host.memory_bytes) most = std::max(most.value_or(0), *host.memory_bytes);
  }
  return most;
}

}  // namespace

std::vector<Error> drift(const PlannedMachine& planned, const Plan& plan, const Inventory& source,
                         const Inventory& target) {
  std::vector<Error> found;
  const auto machine =
      std::find_if(source.machines.begin(), source.machines.end(),
                   [&](const Machine& one) { return one.id == planned.source.id; });
  if (machine == source.machines.end() || source.platform_id != plan.source_platform_id) {
    const Fact fact{Fact::Kind::pinned, "source", "machine", planned.source.id};
    found.push_back(drifted(fact, "another platform or no such machine"));
    return found;
  }
  // A disk that came later has no fact of its own, and would be left behind.
  if (machine->disks.size() > planned.source.disks.size()) {
    const Fact fact{Fact::Kind::pinned, "source", "disks",
                    fmt::format("{}", planned.source.disks.size())};
    found.push_back(drifted(fact, fmt::format("{}", machine->disks.size())));
  }
  if (machine->nics.size() > planned.source.nics.size()) {
    const Fact fact{Fact::Kind::pinned, "source", "network cards",
                    fmt::format("{}", planned.source.nics.size())};
    found.push_back(drifted(fact, fmt::format("{}", machine->nics.size())));
  }
  const bool ours = made_by_us(planned, target);
  for (const Fact& fact : planned.facts) {
    if (fact.kind == Fact::Kind::pinned) {
      const auto now = value_now(fact, *machine, target);
      if (now && *now != fact.value) found.push_back(drifted(fact, *now));
    } else if (fact.kind == Fact::Kind::bounded && !ours) {
      const auto now = free_now(fact, target);
      if (now && *now < number(fact.value)) {
        found.push_back(drifted(fact, format_size(*now) + " free"));
      }
    }
  }
  return found;
}

}  // namespace flyt
