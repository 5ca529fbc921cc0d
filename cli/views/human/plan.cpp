#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.hpp"
#include "cli/views/human/render.hpp"

namespace flyt::cli {
namespace {

const Verdict* find(std::span<const Verdict> verdicts, Question question) {
  for (const auto& verdict : verdicts) {
    if (verdict.question == question) return &verdict;
  }
  return nullptr;
}

std::string ground_words(const Plan& plan) {
  std::vector<std::string> words;
  for (const auto question : {Question::place, Question::operator_}) {
    const Verdict* verdict = find(plan.ground, question);
    if (verdict != nullptr && !verdict->value.empty()) words.push_back(verdict->value);
  }
  return words.empty() ? ""
                       : fmt::format(" ({})", one_line(fmt::format("{}", fmt::join(words, ", "))));
}

std::string time_words(const Estimate& estimate) {
  if (estimate.likely.count() == 0) return "";
  std::string words = fmt::format("   copy about {} ({} to {})", format_duration(estimate.likely),
                                  format_duration(estimate.low), format_duration(estimate.high));
  if (estimate.land_bytes != 0) {
    words += fmt::format(", {} of it with the source off", format_duration(estimate.land));
  }
  return words;
}

std::string policy_words(const Plan& plan, const Style& style) {
  const auto word = policy_word(plan);
  if (word == "allowed") return fmt::format("policy: {}", style.green(word));
  if (word == "not allowed") return style.red("policy: not allowed there");
  if (word == "not judged") return style.yellow("policy: the target's ground is not judged");
  return style.yellow("policy: not all of it could be verified");
}

// "3 machines", "2 machines and 1 volume", "1 volume".
std::string count_of_both(std::size_t machines, std::size_t volumes) {
  if (volumes == 0) return count(machines, "machine");
  if (machines == 0) return count(volumes, "volume");
  return fmt::format("{} and {}", count(machines, "machine"), count(volumes, "volume"));
}

std::string what_moves(const std::vector<PlannedMachine>& all) {
  const auto volumes = static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const auto& one) { return !one.spec.bare.empty(); }));
  return count_of_both(all.size() - volumes, volumes);
}

std::string what_moves(const Wave& wave, const Plan& plan) {
  std::size_t volumes = 0;
  for (const PlannedMachine& one : plan.machines) {
    const bool of_wave = std::find(wave.machines.begin(), wave.machines.end(), one.migration_id) !=
                         wave.machines.end();
    if (of_wave && !one.spec.bare.empty()) ++volumes;
  }
  return count_of_both(wave.machines.size() - volumes, volumes);
}

std::string headline(const Plan& plan, const Style& style) {
  const auto& estimate = plan.estimate;
  return fmt::format("{}, {} used of {}, {} → {}{}\n", style.bold(what_moves(plan.machines)),
                     format_size(estimate.copy_bytes), format_size(estimate.disk_bytes),
                     short_name(plan.source), style.bold(short_name(plan.target)),
                     ground_words(plan));
}

std::string firmware_words(const PlannedMachine& machine) {
  std::string text(to_string(machine.spec.firmware));
  if (machine.spec.secure_boot) text += ", secure boot";
  if (machine.spec.tpm) text += ", new TPM";
  return text;
}

std::string arrow(std::string_view from, std::string_view to) {
  std::string left = short_name(from.empty() ? "?" : from);
  // Nothing: the target's driver chooses.
  if (to.empty() || left == short_name(to)) return left;
  return fmt::format("{} → {}", left, short_name(to));
}

std::string render_disks(const PlannedMachine& machine, const Style& style) {
  using enum Align;
  Table table({"disk", "size", "used", "bus", "storage", "format"},
              {left, right, right, left, left, left});
  for (std::size_t at = 0; at < machine.spec.disks.size(); ++at) {
    const DiskSpec& to = machine.spec.disks[at];
    const Disk from = at < machine.source.disks.size() ? machine.source.disks[at] : Disk{};
    table.add({from.label.empty() ? from.id : from.label, format_size(to.size_bytes),
               from.used_bytes ? format_size(*from.used_bytes) : "?",
               arrow(to_string(from.bus), to_string(to.bus)), arrow(from.storage, to.storage),
               arrow(from.format, to.format)});
  }
  return table.empty() ? "" : table.text(style, "    ");
}

std::string render_nics(const PlannedMachine& machine, const Style& style) {
  Table table({"nic", "network", "model"});
  for (std::size_t at = 0; at < machine.spec.nics.size(); ++at) {
    const NicSpec& to = machine.spec.nics[at];
    const Nic from = at < machine.source.nics.size() ? machine.source.nics[at] : Nic{};
    const std::string vlan = to.vlan ? fmt::format(" vlan {}", *to.vlan) : "";
    table.add({to.mac, arrow(from.network, to.network + vlan), arrow(from.model, to.model)});
  }
  return table.empty() ? "" : table.text(style, "    ");
}

std::string probe_words(const Probe& probe) {
  switch (probe.kind) {
    case Probe::Kind::tcp:
      return "tcp " + probe.target;
    case Probe::Kind::http:
      return fmt::format("{} gives {}", probe.target, probe.expect);
    case Probe::Kind::agent:
      break;
  }
  return "guest agent";
}

std::string alive_words(const PlannedMachine& machine) {
  std::vector<std::string> words;
  for (const auto& probe : machine.probes) words.push_back(probe_words(probe));
  if (!machine.marker.empty()) words.push_back(fmt::format("console says {:?}", machine.marker));
  if (words.empty()) words.emplace_back("guest agent or console");
  return fmt::format("{}, within {}", fmt::join(words, ", "),
                     format_duration(machine.boot_timeout));
}

std::string line(std::string_view label, std::string_view text) {
  std::string out;
  for (const auto& part : wrap(one_line(text), widest_line - 14)) {
    out += fmt::format("    {} {}\n", pad(out.empty() ? label : "", 9), part);
  }
  return out;
}

std::string render_facts(const PlannedMachine& machine) {
  std::string out;
  for (const auto kind : {Fact::Kind::pinned, Fact::Kind::bounded, Fact::Kind::noted}) {
    std::vector<std::string> words;
    for (const auto& fact : machine.facts) {
      if (fact.kind != kind) continue;
      words.push_back(fmt::format("{} {} {}", fact.subject, fact.name,
                                  fact.value.empty() ? "unknown" : fact.value));
    }
    if (words.empty()) continue;
    const std::string_view label = kind == Fact::Kind::pinned    ? "pinned"
                                   : kind == Fact::Kind::bounded ? "at least"
                                                                 : "noted";
    out += line(label, fmt::format("{}", fmt::join(words, "; ")));
  }
  return out;
}

// The ways in which disks are read, each with what is read so.
using Ways = std::map<std::string, std::vector<std::string>>;

void add_ways(const PlannedMachine& machine, Ways& ways) {
  for (const Disk& disk : machine.source.disks) {
    if (disk.read_by.empty()) continue;
    ways[disk.read_by].push_back(disk.label.empty() ? disk.id : disk.label);
  }
}

void add_landings(const PlannedMachine& machine, Ways& ways) {
  for (std::size_t at = 0; at < machine.spec.disks.size(); ++at) {
    const std::string& way = machine.spec.disks[at].land_by;
    if (way.empty()) continue;
    const Disk from = at < machine.source.disks.size() ? machine.source.disks[at] : Disk{};
    ways[way].push_back(from.label.empty() ? from.id : from.label);
  }
}

std::string way_words(const Ways& ways, std::size_t disks) {
  if (ways.size() == 1 && ways.begin()->second.size() == disks) return ways.begin()->first;
  std::vector<std::string> words;
  for (const auto& [way, those] : ways) {
    words.push_back(fmt::format("{}: {}", fmt::join(those, ", "), way));
  }
  return fmt::format("{}", fmt::join(words, "; "));
}

std::string read_words(const PlannedMachine& machine) {
  Ways ways;
  add_ways(machine, ways);
  return way_words(ways, machine.source.disks.size());
}

std::string land_words(const PlannedMachine& machine) {
  Ways ways;
  add_landings(machine, ways);
  return way_words(ways, machine.spec.disks.size());
}

std::string render_ways(const Plan& plan) {
  Ways ways;
  for (const auto& machine : plan.machines) add_ways(machine, ways);
  std::string out;
  for (const auto& [way, disks] : ways) {
    out += line("read", fmt::format("{}: {}", count(disks.size(), "disk"), way));
  }
  Ways landings;
  for (const auto& machine : plan.machines) add_landings(machine, landings);
  for (const auto& [way, disks] : landings) {
    out += line("land", fmt::format("{}: {}", count(disks.size(), "disk"), way));
  }
  return out;
}

std::string change_words(const PlannedMachine& machine) {
  if (machine.track_changes) {
    return "apply switches change tracking on at the source, and off again at the end";
  }
  if (machine.source.hosting.change_tracking.value_or(false)) return "tracked by the source";
  return "not tracked: its disks are read again, whole, to find them";
}

std::string kind_words(const PlannedMachine& machine) {
  const MachineSpec& spec = machine.spec;
  if (!spec.bare.empty()) return fmt::format("{} without a machine", one_line(spec.bare));
  return fmt::format("{}{}, {}, {}", machine.source.is_template ? "template, " : "",
                     count(spec.cpus, "cpu"), format_size(spec.memory_bytes),
                     firmware_words(machine));
}

std::string render_machine(const PlannedMachine& machine, const Style& style) {
  std::string out =
      fmt::format("\n  {}   {}   {}\n", style.bold(arrow(machine.source.name, machine.spec.name)),
                  style.dim(machine.migration_id), kind_words(machine));
  out += render_disks(machine, style) + render_nics(machine, style);
  out +=
      line("convert", fmt::format("{}: {}", machine.convert ? "yes" : "no", machine.convert_why));
  if (const auto words = read_words(machine); !words.empty()) out += line("read", words);
  if (const auto words = land_words(machine); !words.empty()) out += line("land", words);
  if (machine.source.power == Power::on) {
    out += line("cutover", "it runs: it is shut down once it is copied, and synced once more");
    out += line("changes", change_words(machine));
  }
  if (!machine.placement_why.empty()) out += line("placed", machine.placement_why);
  out += line("alive", machine.starts() ? alive_words(machine) : "it is never started");
  for (const std::string& one : enrolment_words(machine.after)) out += line("after", one);
  if (!machine.adopts.empty()) out += line("adopts", "what plan " + machine.adopts + " has copied");
  return out + render_facts(machine);
}

}  // namespace

std::string render_plan_summary(const Plan& plan, const std::string& file, const Style& style) {
  std::string out = headline(plan, style);
  out += fmt::format("  {}{}\n  {}\n", count(plan.waves.size(), "wave"), time_words(plan.estimate),
                     policy_words(plan, style));
  out += render_verdicts(plan.ground, "    ", style);
  out += render_ways(plan);
  out += render_concerns(plan.concerns, style);
  out += render_explain_hint(plan.concerns, style);
  if (file.empty()) return out + "  no plan was written: nothing of it can be moved\n";
  return out + fmt::format("  {}          {}\n", style.command({"show", file}),
                           style.command({"apply", file}));
}

std::string render_plan(const Plan& plan, const std::string& file, const Style& style) {
  std::string out = headline(plan, style);
  out += fmt::format("  site {}   made by flyt {}   plan {}\n",
                     one_line(plan.site_name.empty() ? plan.site_id : plan.site_name),
                     one_line(plan.flyt_version), one_line(plan.digest.substr(0, 16)));
  for (const auto& wave : plan.waves) {
    out += fmt::format("  {}: {}\n", short_name(wave.name), what_moves(wave, plan));
  }
  if (!time_words(plan.estimate).empty())
    out += fmt::format("{}\n", time_words(plan.estimate).substr(1));
  out += fmt::format("  {}\n", policy_words(plan, style));
  out += render_verdicts(plan.ground, "    ", style);
  if (!plan.concerns.empty()) out += "\n" + render_concerns(plan.concerns, style);
  out += render_explain_hint(plan.concerns, style);
  for (const auto& machine : plan.machines) out += render_machine(machine, style);
  return out + fmt::format("\n  {}\n", style.command({"apply", file}));
}

}  // namespace flyt::cli
