// Of which moment of the source the copies are, and what is taken back when that moment is over.
#pragma once

#include <string>

#include "plans/machine_run.hpp"

namespace flyt {

// The last moment that the journal knows; `first` when it knows none.
struct KnownMoment {
  ViewDetail detail;
  bool first = true;
};
KnownMoment moment_before(const MachineRun& run);

// Why what is on the target does not go together with what is read from now on; empty: it does.
std::string outdated(const MachineRun& run, const ViewDetail& before, const ViewDetail& now);

// Outcomes from `first` up to the proof of the bytes hold no more. That copies were begun stays
// known: the target's disks have been written to.
Status take_back(MachineRun& run, StepKind first);

// Without views: the source is still off, and its disks are as they were when copying began. Else
// an Error, and the machine counts as drifted.
Status check_unchanged(MachineRun& run, const Call& call);

// The source as it is now. Errc::not_found: it is gone.
Result<Machine> source_now(const MachineRun& run, const Call& call);
// The same; nothing: it is gone.
Result<std::optional<Machine>> source_if_there(const MachineRun& run, const Call& call);

// An Error when `machine`, the source as it is now, is not off; it then counts as drifted.
Status check_off(MachineRun& run, const Machine& machine);
// Before a start: two machines with one identity must not run. A source that is gone does not.
Status check_source_off(MachineRun& run, const Call& call);
// The same, and the source has not run since it was last copied, as far as its stamps tell.
Status check_source_last(MachineRun& run, const Call& call);

// A volume without a machine is known by its name: that what another plan has handed over is not
// taken for what has its name on the source now. Errc::exists.
Status check_same_volume(const MachineRun& run, const Call& call);

// Why what was copied is not the source's last state any more; empty: nothing is known to speak
// against it. Of the source as step check has found it, before the copy was begun to be started.
std::string moved_on(const MachineRun& run);

// Disk::stamp of each disk of a machine that is off; of one that ran when `view` was made: only of
// those that it does not hold, else empty.
std::vector<std::string> stamps_of(const Machine& machine, const ViewDetail& view);

}  // namespace flyt
