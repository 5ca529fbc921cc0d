// What flyt has changed on a source, and how that is put right again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plans/executor.hpp"
#include "plans/journal.hpp"
#include "plans/step_detail.hpp"

namespace flyt {

inline constexpr const char* first_view = "flyt-1";  // what the copies are of
inline constexpr const char* last_view = "flyt-2";   // of the source that was shut down

// Whether the machine may run while it is copied, and is shut down for its cutover: the plan has
// seen it running, and the source can do that.
bool is_cut_over(const PlannedMachine& planned, const Driver& source);

// Whether it is read by views. What is never started is read as it lies.
bool has_views(const PlannedMachine& planned, const Driver& source);

// The records of one machine.
struct Known {
  std::vector<StepRecord> steps;
  const StepRecord* find(std::string_view key) const;
  // As MachineRun::handed_over().
  bool handed_over() const;
};
Result<Known> read_known(const PlannedMachine& planned, const Crew& crew);

// Views that may still be there: made, or begun to be made, and not dropped.
std::vector<std::string> views_left(const Known& known);
// Its changes are tracked because flyt switched that on, or had begun to.
bool tracking_left(const PlannedMachine& planned, const Known& known);
// It was shut down for its cutover, or that was begun. `stop`: the record of that step, or null.
bool was_shut_down(const PlannedMachine& planned, const StepRecord* stop);

// Takes back what was copied and drops its views: a guest that ran on has changed since. What is on
// the target is kept, to be compared. REQUIRES: its copy was never begun to be started.
Status forget_moment(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                     const Known& known, const Owner& owner, const Call& call);
// The same where it has views left; once its copy was begun to be started, only drops them.
Status drop_views(const PlannedMachine& planned, const Plan& plan, const Crew& crew,
                  const Known& known, const Owner& owner, const Call& call);

// Switches its change tracking off again: copies are then compared whole.
Status stop_tracking(const PlannedMachine& planned, const Crew& crew, const Call& call);

// Switches on again what was shut down. REQUIRES: its copy does not run.
Status start_again(const PlannedMachine& planned, const Crew& crew, const Call& call);

}  // namespace flyt
