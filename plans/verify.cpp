// Judging again what has landed.
#include <algorithm>

#include "plans/machine_run.hpp"

namespace flyt {
namespace {

// Boot and ground are asked anew; bytes cannot be read again from a machine that has run.
Status judge_again(const MachineRun& run, MachineOutcome& outcome, const Call& call) {
  run.status->machine(*run.planned, MachineState::running, "verify");
  FLYT_ASSIGN(const Verdict boot, watch_boot(run, outcome.target_id, call));
  FLYT_ASSIGN(const auto ground, judge_landed_ground(run, outcome.target_id, call));
  std::erase_if(outcome.verdicts,
                [](const Verdict& one) { return one.question != Question::bytes; });
  outcome.verdicts.push_back(boot);
  outcome.verdicts.insert(outcome.verdicts.end(), ground.begin(), ground.end());
  outcome.state = MachineState::landed;
  outcome.error.reset();
  for (const Verdict& verdict : outcome.verdicts) {
    if (verdict.answer == Answer::fail) outcome.state = MachineState::failed;
  }
  return ok();
}

}  // namespace

Result<std::vector<MachineOutcome>> verify(const Plan& plan, const Site& site, const Crew& crew,
                                           ApplyStatus& status, const Call& call) {
  FLYT_ASSIGN(auto outcomes, recorded(plan, *crew.journal));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    MachineOutcome& outcome = outcomes[i];
    FLYT_ASSIGN(const auto steps, crew.journal->steps(outcome.migration_id));
    const bool started = std::any_of(steps.begin(), steps.end(),
                                     [](const StepRecord& one) { return one.step == "boot"; });
    if (!started) continue;
    MachineRun run;
    run.plan = &plan;
    run.planned = &plan.machines[i];
    run.site = &site;
    run.crew = &crew;
    run.status = &status;
    if (auto judged = judge_again(run, outcome, call); !judged) {
      if (judged.error().code == Errc::cancelled) return judged.error();
      outcome.state = MachineState::failed;
      outcome.error = std::move(judged).error();
    }
    status.machine(plan.machines[i], outcome.state, "");
  }
  return outcomes;
}

}  // namespace flyt
