// One machine on its way through a plan: what its steps share.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plans/executor.hpp"
#include "plans/step_detail.hpp"
#include "plans/step_graph.hpp"

namespace flyt {

inline constexpr std::chrono::minutes shutdown_patience{5};  // with a guest that is asked to
inline constexpr std::chrono::seconds between_looks{2};      // at a guest that starts

// Steps of one machine may run in several threads, one disk each; what they share is set by steps
// that run alone (check, create, view, convert) or guarded by `mutex`.
struct MachineRun {
  const Plan* plan = nullptr;
  const PlannedMachine* planned = nullptr;
  const Site* site = nullptr;
  const Crew* crew = nullptr;
  const ApplyOptions* options = nullptr;
  ApplyStatus* status = nullptr;

  std::unique_ptr<Lease> lease;
  std::map<std::string, StepRecord> journaled;  // as they were when the lease was taken
  Machine source;                               // as step check has found it
  std::vector<Storage> storages;                // of the source, at the same time
  Machine target;                               // read back from the platform
  ViewDetail view;                              // what is read from the source now
  ViewDetail copied;                            // what the copies are of, where that is another one
  Power source_was = Power::unknown;            // before step stop
  Conversion conversion;

  mutable std::mutex mutex;
  MachineOutcome outcome;
  bool view_must_go = false;  // it would fill the source's storage
  bool may_obey = false;      // it was asked to shut down, and still ran when it was last looked at
  bool settled = false;       // nothing more is done to it by this process

  Owner owner() const { return {planned->migration_id, lease ? lease->epoch() : 0}; }
  MachineSpec spec() const;  // as planned, of owner()
  std::filesystem::path manifest(std::size_t disk) const;
  std::filesystem::path overlays() const;
  const StepRecord* done(const std::string& step) const;  // its outcome holds; else nullptr
  bool intended(const std::string& step) const;           // begun once, whatever came of it
  // Its copy is its users' from here on: it was begun to be started, or published. Nothing writes
  // to it any more.
  bool handed_over() const;

  // What was written down when it was begun and did not end; "{}": nothing.
  std::string intent(const std::string& step) const;

  StepRecord record(const std::string& step, StepState state, std::string detail) const;
  // Journals; runs ApplyOptions::at_step around it.
  Status intend(const std::string& step, std::string detail = "{}") const;
  Status finish(const std::string& step, StepState state, std::string detail) const;
};

// Reads MachineRun::journaled.
Status load_journal(MachineRun& run);

// Runs one step and journals it. What it needs of earlier steps is in `run`; a step that is done
// by the journal is not done again. Errc::cancelled leaves the step intended.
Status run_step(MachineRun& run, const Step& step, const Call& call);

// The steps themselves; each returns what the journal keeps.
Result<std::string> step_check(MachineRun& run, const Call& call);
Result<std::string> step_create(MachineRun& run, const Call& call);
Result<std::string> step_track(MachineRun& run, const Call& call);
Result<std::string> step_view(MachineRun& run, const Call& call);
Result<std::string> step_copy(MachineRun& run, std::size_t disk, const Call& call);
Result<std::string> step_rest(MachineRun& run, const Call& call);
Result<std::string> step_stop(MachineRun& run, const Call& call);
Result<std::string> step_last(MachineRun& run, const Call& call);
Result<std::string> step_delta(MachineRun& run, std::size_t disk, const Call& call);
Result<std::string> step_convert(MachineRun& run, const Call& call);
Result<std::string> step_commit(MachineRun& run, std::size_t disk, const Call& call);
Result<std::string> step_land(MachineRun& run, const Call& call);
Result<std::string> step_shape(MachineRun& run, const Call& call);
Result<std::string> step_bytes(MachineRun& run, const Call& call);
Result<std::string> step_introduce(MachineRun& run, const Call& call);
Result<std::string> step_boot(MachineRun& run, const Call& call);
Result<std::string> step_publish(MachineRun& run, const Call& call);
Result<std::string> step_ground(MachineRun& run, const Call& call);
Result<std::string> step_enrol(MachineRun& run, const Call& call);
Result<std::string> step_clean(MachineRun& run, const Call& call);

// Makes the view, or finds it again; ViewDetail::number is left for the caller. Errc::unsupported:
// a disk is not in it.
Result<ViewDetail> make_source_view(const MachineRun& run, const std::string& name,
                                    const Call& call);

// Gone is success.
Status drop_source_view(const MachineRun& run, const std::string& name, const Call& call);

// Why nothing is written any more: MachineRun::handed_over().
Error handed_over_before(const MachineRun& run);

// As the site limits the source.
Limits limits_of_source(const MachineRun& run);
// As the site limits both endpoints.
CopyTuning tuning_of(const MachineRun& run);

// Waits until the machine has settled or its time is over, and judges; also `flyt verify`.
Result<Verdict> watch_boot(const MachineRun& run, const std::string& target_id, const Call& call);
Result<std::vector<Verdict>> judge_landed_ground(const MachineRun& run,
                                                 const std::string& target_id, const Call& call);
// The machine that this migration made on the target; nothing when there is none.
Result<std::optional<Machine>> find_made(const MachineRun& run, const Call& call);

}  // namespace flyt
