// What the journal says of the machines of a plan.
#include <fmt/format.h>

#include <map>

#include "base/units.hpp"
#include "plans/executor.hpp"
#include "plans/step_detail.hpp"

namespace flyt {
namespace {

using Steps = std::map<std::string, StepRecord>;

const StepRecord* done(const Steps& steps, const std::string& key) {
  const auto found = steps.find(key);
  return found != steps.end() && found->second.state == StepState::done ? &found->second : nullptr;
}

void add_verdicts(const Steps& steps, MachineOutcome& outcome) {
  for (const char* key : {"bytes", "boot", "ground"}) {
    const auto found = steps.find(key);
    if (found == steps.end() || found->second.state == StepState::intended) continue;
    const auto verdicts = verdicts_detail(found->second.detail);
    if (!verdicts) continue;
    outcome.verdicts.insert(outcome.verdicts.end(), verdicts->begin(), verdicts->end());
  }
}

// What the source told of its disk that was not so.
void add_claims(std::size_t disk, const CopyDetail& copy, MachineOutcome& outcome) {
  if (copy.wrong_map) {
    outcome.record.push_back(fmt::format(
        "disk {}: the source called parts of it empty that are not: all of it was read", disk));
  }
  if (!copy.left_out) return;
  outcome.record.push_back(
      *copy.left_out == 0
          ? fmt::format("disk {}: all was compared: change tracking has left out nothing", disk)
          : fmt::format(
                "disk {}: change tracking has left out {} of 1 MiB; they were found by "
                "comparing all, and copied",
                disk, *copy.left_out == 1 ? "a block" : fmt::format("{} blocks", *copy.left_out)));
}

// One line each: what was copied, how it was converted, what that changed.
void add_record(const Steps& steps, const PlannedMachine& planned, MachineOutcome& outcome) {
  for (std::size_t i = 0; i < planned.source.disks.size(); ++i) {
    const StepRecord* step = done(steps, fmt::format("copy:{}", i));
    if (step == nullptr) continue;
    if (const auto copy = copy_detail(step->detail)) {
      outcome.record.push_back(fmt::format("disk {}: {}, {} written; source root {}", i,
                                           format_size(copy->length),
                                           format_size(copy->written_bytes), copy->root));
      add_claims(i, *copy, outcome);
    }
    const StepRecord* delta = done(steps, fmt::format("delta:{}", i));
    const auto later = delta != nullptr ? copy_detail(delta->detail) : Result<CopyDetail>(Error{});
    if (!later) continue;
    outcome.record.push_back(
        fmt::format("disk {}: {} written again after the source was shut "
                    "down; source root {}",
                    i, format_size(later->written_bytes), later->root));
    add_claims(i, *later, outcome);
  }
  if (!planned.convert) {
    outcome.record.push_back("not converted: " + planned.convert_why);
    return;
  }
  if (const StepRecord* step = done(steps, "convert")) {
    if (const auto conversion = conversion_detail(step->detail)) {
      outcome.record.push_back(
          fmt::format("converted by {}: {}", conversion->program, planned.convert_why));
      for (const std::string& warning : conversion->warnings) {
        outcome.record.push_back("the converter warns: " + warning);
      }
    }
  }
  for (std::size_t i = 0; i < planned.source.disks.size(); ++i) {
    const StepRecord* step = done(steps, fmt::format("commit:{}", i));
    if (step == nullptr) continue;
    if (const auto commit = commit_detail(step->detail)) {
      outcome.record.push_back(fmt::format(
          "disk {}: the conversion changed {} in {} of 1 MiB; root now {}", i,
          format_size(commit->changed_bytes),
          commit->changed_blocks == 1 ? "a block"
                                      : fmt::format("{} blocks", commit->changed_blocks),
          commit->root));
    }
  }
}

// How what was written came to where the machine reads it.
void add_landed(const Steps& steps, MachineOutcome& outcome) {
  const StepRecord* step = done(steps, "land");
  const auto landed =
      step != nullptr ? landed_detail(step->detail) : Result<std::vector<LandedDisk>>(Error{});
  if (!landed) return;
  for (const LandedDisk& disk : *landed) {
    outcome.record.push_back(fmt::format(
        "{}: {} sent, {}, and now {}; not read back from there: {}", disk.disk,
        format_size(disk.sent_bytes),
        disk.sha256.empty() ? std::string("not compared")
                            : fmt::format("SHA-256 {} compared by the platform", disk.sha256),
        disk.volume, disk.unread));
  }
}

// What came of a start on SATA.
void add_first_start(const Steps& steps, MachineOutcome& outcome) {
  const StepRecord* step = done(steps, first_start_over);
  if (step == nullptr) return;
  outcome.record.push_back(fmt::format(
      "started on SATA first: its agent {}",
      first_start_detail(step->detail) ? "answered, and it has virtio since" : "never answered"));
}

// What the target has taken it up in.
void add_enrolled(const Steps& steps, MachineOutcome& outcome) {
  const StepRecord* step = done(steps, "enrol");
  const auto enrolled =
      step != nullptr ? enrolment_detail(step->detail) : Result<Enrolment>(Error{});
  if (!enrolled) return;
  for (const std::string& one : enrolment_words(*enrolled)) {
    outcome.record.push_back("after landing: " + one);
  }
}

bool all_copied(const Steps& steps, const PlannedMachine& planned) {
  for (std::size_t i = 0; i < planned.source.disks.size(); ++i) {
    if (done(steps, fmt::format("copy:{}", i)) == nullptr) return false;
  }
  return done(steps, "create") != nullptr;
}

void set_state(const Steps& steps, const PlannedMachine& planned, MachineOutcome& outcome) {
  if (steps.empty()) return;
  outcome.state = all_copied(steps, planned) ? MachineState::copied : MachineState::stopped;
  const bool enrolled = planned.after.empty() || done(steps, "enrol") != nullptr;
  if (done(steps, "clean") != nullptr && enrolled) outcome.state = MachineState::landed;
  for (const auto& entry : steps) {
    if (entry.second.state != StepState::failed) continue;
    outcome.state = MachineState::failed;
    if (auto error = error_detail(entry.second.detail)) outcome.error = std::move(error);
  }
  for (const Verdict& verdict : outcome.verdicts) {
    if (verdict.answer == Answer::fail) outcome.state = MachineState::failed;
  }
}

}  // namespace

Result<std::vector<MachineOutcome>> recorded(const Plan& plan, Journal& journal) {
  std::vector<MachineOutcome> outcomes;
  for (const PlannedMachine& planned : plan.machines) {
    FLYT_ASSIGN(const auto records, journal.steps(planned.migration_id));
    Steps steps;
    for (const StepRecord& record : records) steps.emplace(record.step, record);
    MachineOutcome outcome{.migration_id = planned.migration_id, .name = planned.source.name};
    outcome.starts = planned.starts();
    for (const char* step : {"create", "publish"}) {
      const StepRecord* made = done(steps, step);
      if (made != nullptr) outcome.target_id = machine_detail(made->detail);
    }
    add_verdicts(steps, outcome);
    add_record(steps, planned, outcome);
    add_landed(steps, outcome);
    add_first_start(steps, outcome);
    add_enrolled(steps, outcome);
    set_state(steps, planned, outcome);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace flyt
