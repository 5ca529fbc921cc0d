#include "plans/moment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "plans/source.hpp"

namespace flyt {
namespace {

bool any_copy_begun(const MachineRun& run) {
  return std::any_of(run.journaled.begin(), run.journaled.end(),
                     [](const auto& entry) { return kind_of(entry.first) == StepKind::copy; });
}

// Committing goes on from the overlays: without them, what is half committed cannot be completed.
bool overlay_lost(const MachineRun& run) {
  const StepRecord* convert = run.done("convert");
  if (convert == nullptr) return false;
  const auto conversion = conversion_detail(convert->detail);
  if (!conversion) return true;
  for (std::size_t i = 0; i < conversion->disks.size(); ++i) {
    if (run.done(fmt::format("commit:{}", i)) != nullptr) continue;
    std::error_code ignored;  // what cannot be looked at is not there
    if (!std::filesystem::exists(conversion->disks[i].overlay, ignored)) return true;
  }
  return false;
}

bool committed_before(const MachineRun& run) {
  return std::any_of(run.journaled.begin(), run.journaled.end(),
                     [](const auto& entry) { return kind_of(entry.first) == StepKind::commit; });
}

// Of the disks that are read as they stand. What the platform cannot tell is not the same.
bool same_stamps(const MachineRun& run, const ViewDetail& before, const ViewDetail& now) {
  const auto& disks = run.planned->source.disks;
  if (before.stamps.size() != disks.size() || now.stamps.size() != disks.size()) return false;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    if (now.holds(disks[i].id)) continue;
    if (now.stamps[i].empty() || now.stamps[i] != before.stamps[i]) return false;
  }
  return true;
}

// Of any disk, where the platform could tell both times.
bool known_to_differ(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  for (std::size_t i = 0; i < std::min(before.size(), now.size()); ++i) {
    if (!before[i].empty() && !now[i].empty() && before[i] != now[i]) return true;
  }
  return false;
}

std::optional<ViewDetail> recorded_view(const MachineRun& run, const std::string& key) {
  const StepRecord* record = run.done(key);
  auto detail = record == nullptr ? Result<ViewDetail>(Error{}) : view_detail(record->detail);
  return detail ? std::optional(*std::move(detail)) : std::nullopt;
}

bool all_held(const MachineRun& run) {
  const auto& disks = run.planned->source.disks;
  return std::all_of(disks.begin(), disks.end(),
                     [&run](const Disk& disk) { return run.view.holds(disk.id); });
}

Error drifted(MachineRun& run, Error error) {
  const std::lock_guard lock(run.mutex);
  run.outcome.state = MachineState::drifted;
  return error;
}

Error runs(const MachineRun& run, Power power) {
  return {.code = Errc::invalid,
          .what = "the source is not off",
          .seen = fmt::format("{} on {} is {}", run.planned->source.name, run.plan->source,
                              to_string(power)),
          .why = "it was started since the plan was made",
          .state = "the machine on the target was not started",
          .remedy = {"shut the source down, then apply the plan again: what has changed is found"}};
}

}  // namespace

Result<Machine> source_now(const MachineRun& run, const Call& call) {
  FLYT_ASSIGN(Inventory found,
              run.crew->source->inventory({.machine = run.planned->source.id}, call));
  for (Machine& machine : found.machines) {
    if (machine.id == run.planned->source.id) return std::move(machine);
  }
  return Error{Errc::not_found, fmt::format("there is no machine {}", run.planned->source.id)};
}

Result<std::optional<Machine>> source_if_there(const MachineRun& run, const Call& call) {
  auto now = source_now(run, call);
  if (now) return std::optional(*std::move(now));
  if (now.error().code == Errc::not_found) return std::optional<Machine>();
  return std::move(now).error();
}

std::vector<std::string> stamps_of(const Machine& machine, const ViewDetail& view) {
  std::vector<std::string> stamps;
  for (const Disk& disk : machine.disks) {
    stamps.push_back(view.of_running && view.holds(disk.id) ? "" : disk.stamp);
  }
  return stamps;
}

KnownMoment moment_before(const MachineRun& run) {
  KnownMoment known;
  if (const StepRecord* view = run.done("view")) {
    if (auto detail = view_detail(view->detail)) known = {*std::move(detail), false};
  }
  if (const auto dropped = run.journaled.find(view_dropped); dropped != run.journaled.end()) {
    const auto next = view_detail(dropped->second.detail);
    if (next && next->number > known.detail.number) known = {*next, true};
  }
  return known;
}

std::string outdated(const MachineRun& run, const ViewDetail& before, const ViewDetail& now) {
  if (!now.name.empty() && before.identity != now.identity) {
    return fmt::format("the view {} on the source was made anew", now.name);
  }
  if (!all_held(run) && any_copy_begun(run) && !same_stamps(run, before, now)) {
    return "the source's disks may have changed since they were copied";
  }
  if (!run.planned->convert && committed_before(run)) {
    return "an earlier plan has converted the machine, this one does not";
  }
  if (overlay_lost(run)) return "what the conversion has changed is lost";
  return {};
}

Status take_back(MachineRun& run, StepKind first) {
  const std::lock_guard lock(run.mutex);
  // Copies first: a crash in between then copies again over what was converted.
  for (auto& [key, record] : run.journaled) {
    if (first > StepKind::copy || kind_of(key) != StepKind::copy) continue;
    if (record.state == StepState::intended) continue;
    record = run.record(key, StepState::intended, "{}");
    FLYT_TRY(run.crew->journal->intend(record));
  }
  for (auto entry = run.journaled.begin(); entry != run.journaled.end();) {
    const auto kind = kind_of(entry->first);
    // That the source was shut down stays known until it runs again.
    const bool over = kind && *kind >= first && *kind > StepKind::copy &&
                      *kind <= StepKind::bytes && *kind != StepKind::stop;
    if (over) {
      FLYT_TRY(run.crew->journal->reset(run.planned->migration_id, entry->first,
                                        "an earlier step was done again"));
    }
    entry = over ? run.journaled.erase(entry) : std::next(entry);
  }
  return ok();
}

Status check_off(MachineRun& run, const Machine& machine) {
  if (machine.power != Power::on && machine.power != Power::suspended) return ok();
  return drifted(run, runs(run, machine.power));
}

Status check_unchanged(MachineRun& run, const Call& call) {
  if (all_held(run)) return ok();
  FLYT_ASSIGN(const Machine now, source_now(run, call));
  FLYT_TRY(check_off(run, now));
  // What cannot be told is not taken for a change here; another process compares all of it.
  const auto stamps = stamps_of(now, run.view);
  bool same = stamps.size() == run.view.stamps.size();
  for (std::size_t i = 0; same && i < stamps.size(); ++i) {
    same = run.view.holds(now.disks[i].id) || stamps[i] == run.view.stamps[i];
  }
  if (same) return ok();
  return drifted(run,
                 {.code = Errc::invalid,
                  .what = "the source's disks were changed while they were copied",
                  .why = "another program writes to them, or the machine was started",
                  .state = "the copy is of no one moment, and was not used",
                  .remedy = {"see to it that nothing writes to them",
                             "then apply the plan again: it compares all and sends what differs"}});
}

Status check_source_last(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const auto now, source_if_there(run, call));
  if (!now) return ok();
  FLYT_TRY(check_off(run, *now));
  if (run.view.of_running || !known_to_differ(run.view.stamps, stamps_of(*now, run.view))) {
    return ok();
  }
  return drifted(run, {.code = Errc::invalid,
                       .what = "the source ran after it was copied",
                       .why = "it was started and shut down meanwhile",
                       .state = "the machine on the target was not started",
                       .remedy = {"apply the plan again: it compares all and sends what differs"}});
}

Status check_same_volume(const MachineRun& run, const Call& call) {
  const auto published = run.journaled.find("publish");
  const auto view = recorded_view(run, "view");
  const bool before =
      published != run.journaled.end() && published->second.plan != run.plan->digest;
  if (run.planned->spec.bare.empty() || !before || !view) return ok();
  FLYT_ASSIGN(const auto now, source_if_there(run, call));
  if (!now || !known_to_differ(view->stamps, stamps_of(*now, *view))) return ok();
  return Error{
      .code = Errc::exists,
      .what = "another volume of this name was moved before",
      .why = fmt::format("{} on {} has changed since", run.planned->source.name, run.plan->source),
      .state = "nothing was written; what was moved is as it was",
      .remedy = {"rename one of the two",
                 fmt::format("or flyt undo {} --target --started, and apply again",
                             run.planned->source.name)}};
}

std::string moved_on(const MachineRun& run) {
  if (run.source.id.empty() || run.handed_over()) return {};
  const auto view = recorded_view(run, "view");
  const bool has_last = run.intended("last");
  const bool proven = run.done("bytes") != nullptr;
  if (is_cut_over(*run.planned, *run.crew->source)) {
    if (run.source.power == Power::on && (has_last || proven)) return "the source runs again";
  } else if (has_last || (view && view->of_running)) {
    return "an earlier plan has copied the source while it ran";
  }
  const auto last = recorded_view(run, "last");
  const auto& held = last && !last->name.empty() ? last : view;
  if (!held || held->of_running || run.source.power != Power::off) return {};
  // Step view looks after what is read without a view, until it is proven.
  if (held->name.empty() && !proven) return {};
  return known_to_differ(held->stamps, stamps_of(run.source, *held)) ? "the source ran meanwhile"
                                                                     : "";
}

Status check_source_off(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const auto now, source_if_there(run, call));
  return now ? check_off(run, *now) : ok();
}

}  // namespace flyt
