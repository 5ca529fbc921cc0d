// Judging again what has landed.
#include <algorithm>
#include <atomic>
#include <thread>

#include "plans/machine_run.hpp"
#include "plans/source.hpp"

namespace flyt {
namespace {

constexpr std::size_t at_once = 8;  // waiting for guests costs next to nothing

// Boot and ground are asked anew; bytes cannot be read again from a machine that has run.
Status judge_again(const MachineRun& run, MachineOutcome& outcome, const Call& call) {
  run.status->machine(*run.planned, MachineState::running, "verify");
  std::vector<Verdict> now;
  if (run.planned->starts()) {
    FLYT_ASSIGN(now.emplace_back(), watch_boot(run, outcome.target_id, call));
  }
  FLYT_ASSIGN(const auto ground, judge_landed_ground(run, outcome.target_id, call));
  std::erase_if(outcome.verdicts,
                [](const Verdict& one) { return one.question != Question::bytes; });
  now.insert(now.end(), ground.begin(), ground.end());
  outcome.verdicts.insert(outcome.verdicts.end(), now.begin(), now.end());
  outcome.state = MachineState::landed;
  outcome.error.reset();
  for (const Verdict& verdict : outcome.verdicts) {
    if (verdict.answer == Answer::fail) outcome.state = MachineState::failed;
  }
  return ok();
}

struct Asked {
  const Plan& plan;
  const Site& site;
  const Crew& crew;
  ApplyStatus& status;
  const Call& call;
};

void verify_one(const Asked& asked, std::size_t machine, MachineOutcome& outcome) {
  MachineRun run;
  run.plan = &asked.plan;
  run.planned = &asked.plan.machines[machine];
  run.site = &asked.site;
  run.crew = &asked.crew;
  run.status = &asked.status;
  if (auto judged = judge_again(run, outcome, asked.call); !judged) {
    // What was judged before says nothing of now.
    std::erase_if(outcome.verdicts,
                  [](const Verdict& one) { return one.question != Question::bytes; });
    outcome.state = MachineState::failed;
    outcome.error = std::move(judged).error();
  }
  asked.status.machine(*run.planned, outcome.state, "");
}

}  // namespace

Result<std::vector<MachineOutcome>> verify(const Plan& plan, const Site& site, const Crew& crew,
                                           ApplyStatus& status, const Call& call) {
  FLYT_ASSIGN(auto outcomes, recorded(plan, *crew.journal));
  std::vector<std::size_t> over;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    FLYT_ASSIGN(const auto known, read_known(plan.machines[i], crew));
    const StepRecord* published = known.find("publish");
    // What is never started is looked at again once it was handed over, not before.
    const bool whole =
        plan.machines[i].starts() || (published != nullptr && published->state == StepState::done);
    if (known.handed_over() && whole) over.push_back(i);
  }
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < std::min(over.size(), at_once); ++n) {
      threads.emplace_back([&] {
        for (std::size_t i = next++; i < over.size(); i = next++) {
          verify_one({plan, site, crew, status, call}, over[i], outcomes[over[i]]);
        }
      });
    }
  }
  FLYT_TRY(proceed(call, "verifying"));
  return outcomes;
}

}  // namespace flyt
