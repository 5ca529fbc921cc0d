#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "verifiers/verifier.hpp"

namespace flyt {

namespace {

std::string_view kind_name(Probe::Kind kind) {
  switch (kind) {
    case Probe::Kind::tcp:
      return "tcp";
    case Probe::Kind::http:
      return "http";
    case Probe::Kind::agent:
      return "agent";
  }
  return "probe";
}

std::string probe_name(const Probe& probe) {
  if (probe.target.empty()) return std::string(kind_name(probe.kind));
  return fmt::format("{} {}", kind_name(probe.kind), probe.target);
}

// The probes with the agent's answered from the observation.
std::vector<ProbeResult> answered(const BootRecord& record) {
  std::vector<ProbeResult> results = record.probes;
  for (ProbeResult& result : results) {
    if (result.probe.kind != Probe::Kind::agent) continue;
    const std::optional<bool>& agent = record.last->agent;
    result.ok = agent.value_or(false);
    result.seen = !agent   ? "the platform has no channel to the guest agent"
                  : *agent ? "the guest agent answers"
                           : "the guest agent does not answer";
  }
  return results;
}

void add_evidence(const BootRecord& record, const std::vector<ProbeResult>& probes,
                  Verdict& verdict) {
  const Observation& last = *record.last;
  verdict.evidence.push_back(fmt::format("power {}", to_string(last.power)));
  if (last.agent) {
    verdict.evidence.push_back(fmt::format("guest agent {}", *last.agent ? "answers" : "silent"));
  }
  for (const ProbeResult& probe : probes) {
    verdict.evidence.push_back(fmt::format("{}: {} ({})", probe_name(probe.probe),
                                           probe.ok ? "ok" : "failed", probe.seen));
  }
}

// Adds the console's own words to why a boot is not proven.
std::string with_console(std::string why, const ConsoleSigns& console) {
  if (!console.trouble.empty()) why += fmt::format("; console: \"{}\"", console.trouble);
  return why;
}

// Of a console: that it may have been said before anybody listened is no proof that it was not.
std::string not_seen(const BootRecord& record) {
  const std::string& gap = record.console.gap;
  return fmt::format("\"{}\" did not appear on the console within {} s{}", record.marker,
                     record.took.count(),
                     gap.empty() ? "" : fmt::format("; not all of it was heard: {}", gap));
}

// A marker that the site declares must have been seen, whatever else is green.
void judge_marker(const BootRecord& record, Verdict& verdict) {
  if (record.marker.empty() || verdict.answer != Answer::pass) return;
  if (record.console.marker_seen) {
    if (verdict.why.find(record.marker) == std::string::npos) {
      verdict.why += fmt::format(", the console says \"{}\"", record.marker);
    }
    return;
  }
  if (record.marker_seen_before) {
    verdict.why += fmt::format(", \"{}\" was seen at the first start", record.marker);
    return;
  }
  verdict.basis = Basis::platform;
  const bool whole = record.console.known && record.console.gap.empty();
  verdict.answer = whole ? Answer::fail : Answer::unverified;
  if (record.console.known) {
    verdict.why = not_seen(record);
    return;
  }
  verdict.why =
      fmt::format("the platform keeps no console on which \"{}\" could be seen{}{}", record.marker,
                  record.console.unheard.empty() ? "" : ": ", record.console.unheard);
}

void judge_probes(const BootRecord& record, const std::vector<ProbeResult>& probes,
                  const ConsoleSigns& console, Verdict& verdict) {
  verdict.basis = Basis::measured;
  const auto bad = std::find_if(probes.begin(), probes.end(),
                                [](const ProbeResult& probe) { return !probe.ok; });
  if (bad == probes.end()) {
    verdict.answer = Answer::pass;
    verdict.why = fmt::format("powered on, {} of {} probes green", probes.size(), probes.size());
    return;
  }
  const bool no_channel = bad->probe.kind == Probe::Kind::agent && !record.last->agent;
  const bool others_green = std::all_of(probes.begin(), probes.end(), [](const ProbeResult& probe) {
    return probe.ok || probe.probe.kind == Probe::Kind::agent;
  });
  verdict.answer =
      no_channel && others_green && console.trouble.empty() ? Answer::unverified : Answer::fail;
  verdict.why =
      with_console(fmt::format("{}: {} (waited {} s)", probe_name(bad->probe),
                               bad->seen.empty() ? "no answer" : bad->seen, record.took.count()),
                   console);
}

void judge_signs(const BootRecord& record, const ConsoleSigns& console, Verdict& verdict) {
  const Observation& last = *record.last;
  verdict.basis = Basis::platform;
  if (last.agent.value_or(false)) {
    verdict.answer = Answer::pass;
    verdict.why = "powered on, the guest agent answers";
    return;
  }
  const std::string_view marker = record.marker.empty() ? default_boot_marker : record.marker;
  if (console.alive()) {
    verdict.answer = Answer::pass;
    verdict.why = fmt::format("powered on, the console says \"{}\"", marker);
    return;
  }
  if (!console.trouble.empty()) {
    verdict.answer = Answer::fail;
    verdict.why = fmt::format("the console stops at \"{}\"", console.trouble);
    return;
  }
  if (!record.marker.empty() && record.marker_seen_before) {
    verdict.basis = Basis::none;
    verdict.why = fmt::format(
        "powered on; \"{}\" was seen at the first start, but nothing says that it lives now",
        marker);
    return;
  }
  if (!record.marker.empty() && record.console.known) {
    if (record.console.gap.empty()) verdict.answer = Answer::fail;
    verdict.why = not_seen(record);
    return;
  }
  verdict.basis = Basis::none;
  verdict.why =
      "powered on, but no probe is declared, no guest agent answers and no console says "
      "that it lives";
}

}  // namespace

Verdict judge_boot(const BootRecord& record, std::string_view at) {
  Verdict verdict{.question = Question::boot, .at = std::string(at)};
  if (!record.last) {
    verdict.why = "the platform did not answer";
    for (const ProbeResult& probe : record.probes) {
      verdict.evidence.push_back(fmt::format("{}: {}", probe_name(probe.probe), probe.seen));
    }
    return verdict;
  }
  const Observation& last = *record.last;
  const std::vector<ProbeResult> probes = answered(record);
  add_evidence(record, probes, verdict);
  const ConsoleSigns& console = record.console;
  if (!console.trouble.empty()) {
    verdict.evidence.push_back(fmt::format("console: {}", console.trouble));
  }
  if (last.power == Power::off || last.power == Power::suspended) {
    verdict.answer = Answer::fail;
    verdict.basis = Basis::platform;
    verdict.value = std::string(to_string(last.power));
    verdict.why = with_console(
        fmt::format("the machine is {} after {} s", verdict.value, record.took.count()), console);
    return verdict;
  }
  if (last.power != Power::on) {
    verdict.why = with_console("the platform does not say whether the machine is on", console);
    return verdict;
  }
  if (probes.empty()) {
    judge_signs(record, console, verdict);
  } else {
    judge_probes(record, probes, console, verdict);
  }
  judge_marker(record, verdict);
  if (!record.otherwise.empty()) verdict.why += "; " + record.otherwise;
  if (verdict.answer == Answer::pass) verdict.value = fmt::format("{} s", record.took.count());
  return verdict;
}

bool boot_settled(const BootRecord& record) {
  if (!record.last) return false;
  if (record.last->power == Power::off || record.last->power == Power::suspended) return true;
  if (judge_boot(record, {}).answer == Answer::pass) return true;
  // All but a marker that no console can show: waiting brings nothing.
  if (!record.marker.empty() && !record.console.known) {
    BootRecord without = record;
    without.marker.clear();
    if (judge_boot(without, {}).answer == Answer::pass) return true;
  }
  // Nothing to wait for: no probe, no agent to come, no console to read.
  return record.last->power == Power::on && record.probes.empty() && !record.last->agent &&
         !record.console.known;
}

}  // namespace flyt
