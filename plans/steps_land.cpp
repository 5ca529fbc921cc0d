// After the bytes are there: shape, proof, the first start, the ground, and tidying up.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

void keep(MachineRun& run, const std::vector<Verdict>& verdicts) {
  const std::lock_guard lock(run.mutex);
  for (const Verdict& verdict : verdicts) run.outcome.verdicts.push_back(verdict);
}

Result<BytesRecord> read_disk(MachineRun& run, std::size_t disk, const Call& call) {
  FLYT_ASSIGN(auto channel, run.crew->target->open({.machine = run.target.id,
                                                    .disk = run.target.disks[disk].id,
                                                    .use = Use::read,
                                                    .owner = run.owner()},
                                                   call));
  auto report = run.crew->mover->read_back({.target = channel.get(),
                                            .manifest = run.manifest(disk),
                                            .length = run.planned->source.disks[disk].size_bytes,
                                            .tuning = tuning_of(run),
                                            .progress = &run.status->step(*run.planned, "bytes")},
                                           call);
  FLYT_TRY(channel->close(call));
  if (!report) return within(fmt::format("disk {}", disk), std::move(report)).error();
  BytesRecord record{.disk = fmt::format("{}", disk),
                     .source_root = report->source_root,
                     .expected_root = report->expected_root,
                     .read_root = report->read_root,
                     .length = run.planned->source.disks[disk].size_bytes,
                     .blocks = report->blocks,
                     .equal_source = report->equal_source,
                     .equal_conversion = report->equal_conversion,
                     .different_blocks = report->different_blocks,
                     .different = report->different,
                     .tail_zero = report->tail_zero,
                     .before_power_on = !run.handed_over()};
  return record;
}

Status add_landed(const MachineRun& run, std::size_t disk, const StepRecord& step,
                  BytesRecord& record) {
  FLYT_ASSIGN(const auto landed, landed_detail(step.detail));
  const std::string& id = run.target.disks[disk].id;
  const auto found = std::find_if(landed.begin(), landed.end(),
                                  [&id](const LandedDisk& one) { return one.disk == id; });
  if (found != landed.end()) {
    record.landed = *found;
    return ok();
  }
  return Error{
      Errc::internal, fmt::format("disk {} was not landed", disk),
      fmt::format("the driver {} names {} others", run.crew->target->info().name, landed.size())};
}

// What copying, committing and landing this disk has journaled.
Status add_journaled(const MachineRun& run, std::size_t disk, BytesRecord& record) {
  FLYT_ASSIGN(const auto steps, run.crew->journal->steps(run.planned->migration_id));
  record.outside_equal = !run.planned->convert;
  const std::string synced =
      fmt::format("{}:{}", run.view.name == last_view ? "delta" : "copy", disk);
  for (const StepRecord& step : steps) {
    if (step.step == synced) {
      FLYT_ASSIGN(const CopyDetail detail, copy_detail(step.detail));
      record.copied_root = digest_from_hex(detail.root);
      if (detail.view != run.view.number) {
        return Error{Errc::internal, fmt::format("disk {} was copied of another moment", disk),
                     fmt::format("view {}, now {}", detail.view, run.view.number)};
      }
    } else if (step.step == fmt::format("commit:{}", disk)) {
      FLYT_ASSIGN(const CommitDetail detail, commit_detail(step.detail));
      record.committed_root = digest_from_hex(detail.root);
      record.outside_equal = detail.outside_equal;
    } else if (step.step == "land" && step.state == StepState::done) {
      FLYT_TRY(add_landed(run, disk, step, record));
    }
  }
  return ok();
}

std::optional<Ground> stated_ground(const MachineRun& run) {
  const auto found = run.site->endpoints.find(run.plan->target);
  return found == run.site->endpoints.end() ? std::nullopt : found->second.ground;
}

}  // namespace

Result<std::string> step_land(MachineRun& run, const Call& call) {
  if (run.handed_over()) return handed_over_before(run);
  auto landed = run.crew->target->land({.machine = run.target.id,
                                        .owner = run.owner(),
                                        .progress = &run.status->step(*run.planned, "land"),
                                        .rate = run.crew->target_rate},
                                       call);
  if (!landed) return within("landing", std::move(landed)).error();
  return detail_of(*landed);
}

Result<std::string> step_shape(MachineRun& run, const Call& call) {
  if (!run.crew->target->info().can.has(Capability::update))
    return detail_of_machine(run.target.id, run.planned->source.id);
  FLYT_ASSIGN(run.target, run.crew->target->update_machine(run.target.id, run.spec(), call));
  return detail_of_machine(run.target.id, run.planned->source.id);
}

Result<std::string> step_bytes(MachineRun& run, const Call& call) {
  std::vector<BytesRecord> records;
  for (std::size_t i = 0; i < run.target.disks.size(); ++i) {
    FLYT_ASSIGN(BytesRecord record, read_disk(run, i, call));
    FLYT_TRY(add_journaled(run, i, record));
    records.push_back(std::move(record));
  }
  const Verdict verdict = judge_bytes(records, run.planned->source.disks.size(), run.crew->now());
  keep(run, {verdict});
  if (verdict.answer != Answer::fail) return detail_of(std::vector{verdict});
  return Error{.code = Errc::corrupt,
               .what = "the target's disks do not read back as they were written",
               .seen = verdict.why,
               .why = "the target's storage is broken, or another program wrote to it",
               .state = "the machine was not started; the source is untouched",
               .remedy = {fmt::format("flyt undo {} --target", run.planned->source.name)}};
}

namespace {

// Whether its start was judged PASS once, with the marker that the plan declares.
Result<bool> lived_before(const Known& known) {
  const StepRecord* boot = known.find("boot");
  if (boot == nullptr || boot->state != StepState::done) return false;
  FLYT_ASSIGN(const auto verdicts, verdicts_detail(boot->detail));
  return std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& one) {
    return one.question == Question::boot && one.answer == Answer::pass;
  });
}

// Why it does not have the devices that the plan gives it; empty: it has.
std::string on_other_devices(const PlannedMachine& planned, const Known& known) {
  const StepRecord* first = known.find(first_start_over);
  if (planned.introduce.count() == 0 || first == nullptr || first_start_detail(first->detail)) {
    return {};
  }
  return "its disks stay on SATA, since no guest agent answered at its first start: nothing says "
         "that the guest has drivers for virtio";
}

// What a machine says and does while it starts.
class BootWatch {
 public:
  BootWatch(const MachineRun& run, const std::string& target_id)
      : run_(run), target_id_(target_id), reader_(run.planned->marker) {}

  Status look(BootRecord& record, const Call& call) {
    record.last.reset();
    FLYT_ASSIGN(Observation seen, run_.crew->target->observe(target_id_, call));
    FLYT_TRY(read_console(call));
    record.last = std::move(seen);
    record.console = reader_.signs();
    return ok();
  }
  bool behind() const { return behind_; }  // the console has said more than was read

 private:
  // What was said since the last look, however much; a guest that never stops does not hold us.
  Status read_console(const Call& call) {
    constexpr int most_pieces = 64;
    behind_ = true;
    for (int i = 0; i < most_pieces && behind_; ++i) {
      auto piece = run_.crew->target->console(target_id_, after_, call);
      behind_ = piece && piece->more;
      if (!piece && piece.error().code == Errc::unsupported) return ok();
      if (!piece) return std::move(piece).error();
      reader_.add(*piece);
      after_ = std::move(piece->next);
    }
    return ok();
  }

  const MachineRun& run_;
  const std::string& target_id_;
  ConsoleReader reader_;
  std::string after_;
  bool behind_ = false;
};

}  // namespace

Result<Verdict> watch_boot(const MachineRun& run, const std::string& target_id, const Call& call) {
  const auto began = std::chrono::steady_clock::now();
  const Call patient = call.within(run.planned->boot_timeout);
  std::optional<Error> silent;  // the platform does not answer now
  BootRecord record{.marker = run.planned->marker, .limit = run.planned->boot_timeout};
  FLYT_ASSIGN(const Known known, read_known(*run.planned, *run.crew));
  FLYT_ASSIGN(record.marker_seen_before, lived_before(known));
  record.otherwise = on_other_devices(*run.planned, known);
  BootWatch watch(run, target_id);
  for (;;) {
    const std::optional<Observation> before = record.last;
    const Status seen = watch.look(record, patient);
    const bool too_late = !seen && before && seen.error().code == Errc::timed_out &&
                          patient.left() == std::chrono::nanoseconds(0);
    // No time makes these better.
    if (!seen && (seen.error().code == Errc::not_found || seen.error().code == Errc::denied)) {
      return seen.error();
    }
    if (too_late) {
      record.last = before;  // asked when the time was nearly over: what was seen before stands
    } else {
      silent = seen ? std::nullopt : std::optional(seen.error());
    }
    record.probes.clear();
    for (const Probe& probe : run.planned->probes) {
      record.probes.push_back(run.crew->verifier->probe(probe, patient));
    }
    record.took =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    if (boot_settled(record)) break;
    const auto pause = watch.behind() ? std::chrono::seconds(0) : between_looks;
    const auto waited = wait(pause, patient, "the machine's start");
    if (!waited && waited.error().code == Errc::cancelled) return waited.error();
    if (!waited) break;
  }
  FLYT_TRY(proceed(call, "the machine's start"));
  if (silent && silent->code != Errc::unsupported) return *std::move(silent);
  return judge_boot(record, run.crew->now());
}

Result<std::string> step_boot(MachineRun& run, const Call& call) {
  FLYT_TRY(check_source_off(run, call));
  FLYT_TRY(run.crew->target->set_power(run.target.id, Driver::PowerChange::on, call));
  FLYT_ASSIGN(const Verdict verdict, watch_boot(run, run.target.id, call));
  keep(run, {verdict});
  return detail_of(std::vector{verdict});
}

Result<std::string> step_publish(MachineRun& run, const Call& call) {
  const MachineSpec& planned = run.planned->spec;
  const Capability needed = planned.bare.empty() ? Capability::templates : Capability::volumes;
  // Where there are no templates, it stays a machine that is off.
  if (run.crew->target->info().can.has(needed)) {
    FLYT_ASSIGN(run.target, run.crew->target->publish(run.target.id, run.spec(), call));
  }
  const std::lock_guard lock(run.mutex);
  run.outcome.target_id = run.target.id;
  return detail_of_machine(run.target.id, run.planned->source.id);
}

Result<std::vector<Verdict>> judge_landed_ground(const MachineRun& run,
                                                 const std::string& target_id, const Call& call) {
  GroundQuestion question{.stated = stated_ground(run), .policy = run.site->policy};
  auto seen = run.crew->target->observe(target_id, call);
  if (seen) question.seen = seen->place;
  if (!seen && seen.error().code != Errc::unsupported) return std::move(seen).error();
  if (!seen) question.unseen = seen.error().what;
  question.at = run.crew->now();
  question.today = question.at.substr(0, 10);
  return run.crew->verifier->judge_ground(question);
}

Result<std::string> step_ground(MachineRun& run, const Call& call) {
  FLYT_ASSIGN(const auto verdicts, judge_landed_ground(run, run.target.id, call));
  keep(run, verdicts);
  return detail_of(verdicts);
}

namespace {

// The converter's words outlive its overlays: they are asked for when a guest does not live later.
void keep_log(const MachineRun& run) {
  if (run.conversion.log.empty()) return;
  std::error_code ignored;  // a log that is lost costs an explanation, nothing else
  std::filesystem::rename(run.conversion.log,
                          run.manifest(0).parent_path() / run.conversion.log.filename(), ignored);
}

const Verdict* find_failure(const std::vector<Verdict>& verdicts) {
  const auto found = std::find_if(verdicts.begin(), verdicts.end(),
                                  [](const Verdict& one) { return one.answer == Answer::fail; });
  return found == verdicts.end() ? nullptr : &*found;
}

// A guest that does not live leaves all as it is: the overlay's log and the view may be needed.
const Verdict* find_dead(const std::vector<Verdict>& verdicts) {
  const auto found = std::find_if(verdicts.begin(), verdicts.end(), [](const Verdict& one) {
    return one.question == Question::boot && one.answer == Answer::fail;
  });
  return found == verdicts.end() ? nullptr : &*found;
}

// The driver says that it did what was asked for; what it has read back is compared.
Status compare(const MachineRun& run, const Enrolment& seen) {
  const Enrolment lacks = lacking(run.planned->after, seen);
  if (lacks.empty()) return ok();
  return Error{.code = Errc::internal,
               .what = "the target has not done with the machine what the plan asks for",
               .seen = fmt::format("not so: {}", fmt::join(enrolment_words(lacks), "; ")),
               .why = fmt::format("a bug of the driver {}, or somebody changed it meanwhile",
                                  run.crew->target->info().name)};
}

// Whoever has switched it off since it was proven may run the source again.
Status check_copy_on(const MachineRun& run, const Call& call) {
  const auto now = run.crew->target->observe(run.target.id, call);
  if (!now && now.error().code != Errc::unsupported) return now.error();
  if (!now || now->power == Power::on) return ok();
  return Error{.code = Errc::invalid,
               .what = "the copy does not run, so nothing is to start or keep it",
               .seen = fmt::format("{} on {} is {}", run.planned->spec.name, run.plan->target,
                                   to_string(now->power)),
               .why = "somebody has switched it off since it was proven",
               .state = "it was enrolled in nothing",
               .remedy = {"start it, and see that its source stays off",
                          "then apply the plan again: it goes on here"}};
}

// The machine is where it belongs, whatever is missing beside it.
Error landed_all_the_same(const MachineRun& run, Error error) {
  error = std::move(error).within("after landing");
  if (error.code == Errc::cancelled) return error;
  const std::string here =
      fmt::format("{} has landed and was started on {}", run.planned->spec.name, run.plan->target);
  error.state = error.state.empty() ? here : fmt::format("{}; {}", here, error.state);
  error.remedy.emplace_back("then apply the plan again: it goes on here");
  return error;
}

}  // namespace

// Nobody is to start again, or to keep safe, what has failed its proof.
Result<std::string> step_enrol(MachineRun& run, const Call& call) {
  if (const Verdict* failure = find_failure(run.outcome.verdicts)) {
    return detail_of(std::vector{*failure});
  }
  // Who enrols it may start it, now or after its host's next start.
  if (auto off = check_source_off(run, call); !off) {
    off.error().state = "its copy was enrolled in nothing";
    return std::move(off).error();
  }
  FLYT_TRY(check_copy_on(run, call));
  const auto seen = run.crew->target->enrol(run.target.id, run.planned->after, run.owner(), call);
  if (!seen) return landed_all_the_same(run, seen.error());
  if (auto as_asked = compare(run, *seen); !as_asked) {
    return landed_all_the_same(run, as_asked.error());
  }
  return detail_of(*seen);
}

Result<std::string> step_clean(MachineRun& run, const Call& call) {
  if (const Verdict* failure = find_dead(run.outcome.verdicts)) {
    return detail_of(std::vector{*failure});
  }
  if (!run.view.name.empty() && run.crew->source->info().can.has(Capability::view)) {
    FLYT_TRY(drop_source_view(run, run.view.name, call));
  }
  // By the journal: an earlier plan may have had it switched on.
  FLYT_ASSIGN(const Known known, read_known(*run.planned, *run.crew));
  if (tracking_left(*run.planned, known)) {
    FLYT_TRY(stop_tracking(*run.planned, *run.crew, call));
  }
  keep_log(run);
  std::error_code ignored;  // an overlay that stays costs space, nothing else
  std::filesystem::remove_all(run.overlays(), ignored);
  std::filesystem::remove_all(staged_folder(run.crew->state, run.planned->migration_id), ignored);
  return std::string("{}");
}

}  // namespace flyt
