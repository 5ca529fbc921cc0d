// Before any byte is copied: facts, and the machine on the target.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "plans/drift.hpp"
#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

constexpr std::chrono::seconds settle_time{30};  // how long a platform may hide what was just made

// What of its firmware was asked for, and the platform says is not so.
std::string lacking(const MachineSpec& spec, const Firmware& made) {
  if (spec.secure_boot && !made.secure_boot.value_or(true)) return "it has no Secure Boot";
  if (spec.tpm && !made.tpm.value_or(true)) return "it has no TPM";
  return {};
}

// The driver says that it made what was asked for; the platform is asked again.
Status compare(const MachineRun& run, const Machine& made) {
  const MachineSpec& spec = run.planned->spec;
  std::string wrong;
  if (made.disks.size() != spec.disks.size()) {
    wrong = fmt::format("it has {} disks, not {}", made.disks.size(), spec.disks.size());
  }
  for (std::size_t i = 0; wrong.empty() && i < spec.disks.size(); ++i) {
    if (made.disks[i].size_bytes < spec.disks[i].size_bytes) {
      wrong = fmt::format("disk {} has {} bytes, not {}", i, made.disks[i].size_bytes,
                          spec.disks[i].size_bytes);
    }
  }
  // Once it is handed over its users may change that.
  if (wrong.empty() && !run.handed_over()) wrong = lacking(spec, made.firmware);
  if (wrong.empty()) return ok();
  return Error{.code = Errc::internal,
               .what = "the machine on the target is not what the plan asked for",
               .seen = wrong,
               .why = fmt::format("a bug of the driver {}, or somebody changed the machine {}",
                                  run.crew->target->info().name, made.id),
               .state = "nothing was written to it",
               .remedy = {fmt::format("flyt undo {} --target", run.planned->source.name)}};
}

Error gone(const MachineRun& run) {
  return {.code = Errc::not_found,
          .what = "the machine that this migration made on the target is gone",
          .why = "somebody destroyed it, or it was moved to where the endpoint does not see it",
          .state = "the source is untouched",
          .remedy = {fmt::format("flyt undo {} --target", run.planned->source.name),
                     "then apply the plan again: it begins anew"}};
}

// Made under another state folder, where it may have been written to and started.
Error unknown_here(const MachineRun& run, const Machine& made) {
  return {.code = Errc::exists,
          .what = fmt::format("the target has a machine of this migration already: {}", made.name),
          .why = "this journal knows nothing of it: it was made with another state folder",
          .state = "nothing was written",
          .remedy = {"apply the plan with the state folder that made it",
                     fmt::format("or destroy {} on {} first", made.name, run.plan->target)}};
}

// Two machines that carry one uuid have one migration id, too.
Error of_another(const MachineRun& run, const std::string& from) {
  return {.code = Errc::exists,
          .what = "the machine on the target was made from another source machine",
          .seen = fmt::format("made from {}, the plan says {}", from, run.planned->source.id),
          .why = "both have the same uuid, or the machine was registered anew",
          .state = "nothing was written",
          .remedy = {fmt::format("flyt undo {} --target", run.planned->source.name)}};
}

// The first fact is told whole, the others in short.
Error drifted(MachineRun& run, const std::vector<Error>& found) {
  Error error = found.front();
  for (std::size_t i = 1; i < found.size(); ++i) {
    error.seen += fmt::format("; {}: {}", found[i].what, found[i].seen);
  }
  error.state = run.journaled.empty() ? "nothing of this machine was changed"
                                      : "nothing more of this machine was changed";
  const std::lock_guard lock(run.mutex);
  run.outcome.state = MachineState::drifted;
  return error;
}

void take(MachineRun& run, const Inventory& source) {
  run.source = source.machines.front();
  run.storages = source.storages;
}

// Whoever has started the source, or planned it anew: what it wrote must come along.
Status begin_again_if_moved_on(MachineRun& run, const Call& call) {
  const std::string why = moved_on(run);
  if (why.empty()) return ok();
  run.status->machine(*run.planned, MachineState::running, why + ": comparing all again");
  Journal& journal = *run.crew->journal;
  const std::string& id = run.planned->migration_id;
  FLYT_ASSIGN(const Known known, read_known(*run.planned, *run.crew));
  FLYT_TRY(forget_moment(*run.planned, *run.plan, *run.crew, known, run.owner(), call));
  if (run.source.power == Power::on) FLYT_TRY(journal.reset(id, "stop", why));
  return load_journal(run);
}

// Disks of the source that have grown since their copies were made.
std::vector<std::size_t> grown_disks(const MachineRun& run, const Machine& made) {
  std::vector<std::size_t> grown;
  const auto& wanted = run.planned->spec.disks;
  for (std::size_t i = 0; i < std::min(wanted.size(), made.disks.size()); ++i) {
    if (made.disks[i].size_bytes < wanted[i].size_bytes) grown.push_back(i);
  }
  return grown;
}

// Copies of another length say nothing of the new one. In this order: a crash in between finds the
// disks too small once more.
Status follow_growth(MachineRun& run, Machine& made, const Call& call) {
  const std::vector<std::size_t> grown = grown_disks(run, made);
  const bool can = run.crew->target->info().can.has(Capability::grow) && !run.handed_over() &&
                   run.planned->spec.bare.empty();
  if (grown.empty() || !can) return ok();
  run.status->machine(*run.planned, MachineState::running,
                      "disks of the source have grown: they are copied anew");
  FLYT_ASSIGN(const Known known, read_known(*run.planned, *run.crew));
  FLYT_TRY(forget_moment(*run.planned, *run.plan, *run.crew, known, run.owner(), call));
  for (const std::size_t disk : grown) {
    std::error_code failed;
    std::filesystem::remove(run.manifest(disk), failed);
    if (failed) return Error{Errc::unavailable, "a manifest cannot be removed", failed.message()};
  }
  FLYT_TRY(load_journal(run));
  MachineSpec spec = run.spec();
  spec.plugged = false;  // it is still beside its source
  FLYT_ASSIGN(made, run.crew->target->update_machine(made.id, spec, call));
  return ok();
}

}  // namespace

Result<std::optional<Machine>> find_made(const MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const Inventory made,
              run.crew->target->inventory({.migration_id = run.planned->migration_id}, call));
  if (made.machines.empty()) return std::optional<Machine>();
  return std::optional<Machine>(made.machines.front());
}

Result<std::string> step_check(MachineRun& run, const Call& call) {
  // What was copied is proven and was started; after that the source may go its own ways.
  if (run.handed_over()) {
    FLYT_TRY(check_same_volume(run, call));
    return std::string("{}");
  }
  auto source = run.crew->source->inventory({.machine = run.planned->source.id}, call);
  if (run.done("bytes") != nullptr) {
    if (!source && source.error().code == Errc::not_found) return std::string("{}");
    if (!source) return std::move(source).error();
    take(run, *source);
    FLYT_TRY(begin_again_if_moved_on(run, call));
    if (run.done("bytes") != nullptr) return std::string("{}");
  }
  // A machine that is gone is drift, not a failure of the endpoint.
  if (!source && source.error().code == Errc::not_found) source = Inventory{};
  if (!source) return std::move(source).error();
  // Its ground, and of its machines only what this migration made: the others are not looked into
  // once more for each machine of the plan.
  FLYT_ASSIGN(const Inventory target,
              run.crew->target->inventory({.migration_id = run.planned->migration_id}, call));
  const std::vector<Error> found = drift(*run.planned, *run.plan, *source, target);
  if (!found.empty()) return drifted(run, found);
  take(run, *source);
  FLYT_TRY(begin_again_if_moved_on(run, call));
  // One that the plan has seen running may run until its cutover.
  if (!is_cut_over(*run.planned, *run.crew->source)) FLYT_TRY(check_off(run, run.source));
  return std::string("{}");
}

Result<std::string> step_create(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(auto made, find_made(run, call));
  if (const StepRecord* before = run.done("create")) {
    const std::string from = source_detail(before->detail);
    if (!from.empty() && from != run.planned->source.id) return of_another(run, from);
  }
  if (!made && run.done("create") != nullptr) return gone(run);
  if (made && !run.intended("create")) return unknown_here(run, *made);
  if (!made) {
    FLYT_ASSIGN(Machine created, run.crew->target->create_machine(run.spec(), call));
    // Some platforms need a moment until they show what they have made.
    for (const Call patient = call.within(settle_time); !made;) {
      FLYT_ASSIGN(made, find_made(run, call));
      if (made) break;
      if (auto waited = wait(std::chrono::milliseconds(500), patient, "reading back"); !waited) {
        if (waited.error().code == Errc::cancelled) return waited.error();
        return Error{
            .code = Errc::internal,
            .what = fmt::format("the machine {} was made and is not to be found", created.id),
            .why = fmt::format("a bug of the driver {}", run.crew->target->info().name)};
      }
    }
  }
  if (!made->unreadable.empty()) {
    return Error{.code = Errc::unavailable,
                 .what = fmt::format("the machine {} on the target cannot be read", made->id),
                 .seen = made->unreadable};
  }
  // Whether a volume is the one that is asked for, its driver knows: a name tells nothing.
  if (!run.planned->spec.bare.empty() && !run.handed_over()) {
    FLYT_ASSIGN(*made, run.crew->target->create_machine(run.spec(), call));
  }
  FLYT_TRY(follow_growth(run, *made, call));
  FLYT_TRY(compare(run, *made));
  run.target = std::move(*made);
  const std::lock_guard lock(run.mutex);
  run.outcome.target_id = run.target.id;
  return detail_of_machine(run.target.id, run.planned->source.id);
}

}  // namespace flyt
