#include "plans/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "plans/machine_run.hpp"
#include "plans/moment.hpp"
#include "plans/plan_document.hpp"
#include "plans/source.hpp"
#include "plans/step_graph.hpp"

namespace flyt {
namespace {

constexpr std::chrono::minutes restore_patience{2};

struct Ended {
  Step step;
  Status status;
  std::thread::id thread;
};

// One loop: begin what may begin, wait for one step to end, note what came of it.
class Executor {
 public:
  Executor(std::vector<std::unique_ptr<MachineRun>>& runs, const ApplyOptions& options,
           const Call& call)
      : runs_(runs), options_(options), call_(call) {}

  void run(StepGraph& graph) {
    for (;;) {
      while (!call_.stop.stop_requested()) {
        const auto step = graph.find_work(options_.machines_at_once, options_.disks_at_once);
        if (!step) break;
        begin(*step);
      }
      if (!graph.running()) break;
      note(graph, wait_for_one());
    }
    for (std::size_t i = 0; i < runs_.size(); ++i) settle(graph, i);
    for (const auto& one : runs_) look_again(*one);
  }

 private:
  void begin(const Step& step) {
    std::jthread worker([this, step] {
      Status status = take_and_run(*runs_[step.machine], step);
      const std::lock_guard lock(mutex_);
      ended_.push_back({step, std::move(status), std::this_thread::get_id()});
      one_ended_.notify_one();
    });
    workers_.push_back(std::move(worker));
  }

  Status take_and_run(MachineRun& run, const Step& step) {
    if (step.kind == StepKind::check) FLYT_TRY(take(run));
    return run_step(run, step, call_);
  }

  static Status take(MachineRun& run) {
    Journal& journal = *run.crew->journal;
    FLYT_ASSIGN(run.lease, journal.take(run.planned->migration_id, run.planned->source.name,
                                        run.plan->digest));
    return load_journal(run);
  }

  Ended wait_for_one() {
    std::unique_lock lock(mutex_);
    one_ended_.wait(lock, [this] { return !ended_.empty(); });
    Ended ended = std::move(ended_.front());
    ended_.pop_front();
    lock.unlock();
    for (auto worker = workers_.begin(); worker != workers_.end(); ++worker) {
      if (worker->get_id() != ended.thread) continue;
      worker->join();
      workers_.erase(worker);
      break;
    }
    return ended;
  }

  void note(StepGraph& graph, Ended ended) {
    const std::size_t machine = ended.step.machine;
    graph.finished(ended.step, bool(ended.status));
    if (!ended.status) {
      graph.give_up(machine);
      keep(runs_[machine]->outcome, std::move(ended.status).error());
    }
    if (graph.over(machine)) settle(graph, machine);
  }

  static void keep(MachineOutcome& outcome, Error error) {
    if (outcome.state != MachineState::drifted && outcome.state != MachineState::failed) {
      outcome.state = error.code == Errc::cancelled ? MachineState::stopped : MachineState::failed;
    }
    // The first failure is the one to tell; what followed from the stop is not.
    if (!outcome.error || outcome.error->code == Errc::cancelled) outcome.error = std::move(error);
  }

  // A source that was shut down for a cutover that did not come about runs again. Where its first
  // view is still there, the copies of it are good; else they are left as undo leaves them, for the
  // next apply to compare. True: it has never been off, and may still obey.
  // REQUIRES: was_shut_down().
  static Result<bool> restore(MachineRun& run, const Known& known) {
    const PlannedMachine& planned = *run.planned;
    const Crew& crew = *run.crew;
    // The caller's stop may be why we are here. What takes long to drop must not keep the source
    // off.
    Status dropped;
    if (known.find("last") != nullptr) {
      dropped =
          drop_views(planned, *run.plan, crew, known, run.owner(), Call{}.within(restore_patience));
    }
    const auto before = source_if_there(run, Call{}.within(restore_patience));
    FLYT_TRY(start_again(planned, crew, Call{}.within(restore_patience)));
    const bool was_on = !before || (*before && (*before)->power != Power::off);
    // That it was asked stays known until it has obeyed.
    const bool may_obey = was_on && known.find("stop")->state != StepState::done;
    if (!may_obey) {
      FLYT_TRY(crew.journal->reset(planned.migration_id, "stop", "the source runs again"));
    }
    FLYT_TRY(dropped);
    return may_obey;
  }

  // Its copy was begun to be started, and how far that came is not known: it stays off.
  static void tell_left_off(MachineRun& run) {
    if (!run.outcome.error) return;
    Error& error = *run.outcome.error;
    const std::string& name = run.planned->source.name;
    if (!error.state.empty()) error.state += "; ";
    error.state += fmt::format("{} is off on {}, since its copy on {} may have been started", name,
                               run.plan->source, run.plan->target);
    error.remedy.emplace_back("apply the plan again");
    error.remedy.push_back(fmt::format("to go back: flyt undo {} --target --started", name));
  }

  static void put_right(MachineRun& run) {
    const auto known = read_known(*run.planned, *run.crew);
    if (!known) return;  // the journal's own trouble is told already
    const StepRecord* stop = known->find("stop");
    if (!was_shut_down(*run.planned, stop)) return;
    if (known->handed_over()) {
      const StepRecord* boot = known->find("boot");
      if (boot == nullptr || boot->state != StepState::done) tell_left_off(run);
      return;
    }
    const auto restored = restore(run, *known);
    run.may_obey = restored && *restored;
    if (restored && run.outcome.state == MachineState::copied) return;
    // Its own error says all that is known.
    if (run.may_obey && stop->state == StepState::failed && run.outcome.error) return;
    const std::string& name = run.planned->source.name;
    Error& error = run.outcome.error ? *run.outcome.error
                                     : run.outcome.error.emplace(Error{
                                           Errc::cancelled, "it was stopped during its cutover"});
    if (run.may_obey) {
      error.state = fmt::format("{} runs on {}, and may still shut down as it was asked to", name,
                                run.plan->source);
      return;
    }
    error.state = restored ? fmt::format("{} runs again on {}", name, run.plan->source)
                           : fmt::format("{} was shut down on {}, and could not be put right: {}",
                                         name, run.plan->source, restored.error().what);
    if (restored) return;
    error.remedy.insert(error.remedy.begin(), fmt::format("flyt undo {}", name));
    if (run.outcome.state == MachineState::copied) run.outcome.state = MachineState::failed;
  }

  // At the end, which may be long after: a guest that obeyed late is not left off.
  static void look_again(MachineRun& run) {
    if (!run.may_obey) return;
    put_right(run);
    if (run.may_obey && run.outcome.error) {
      run.outcome.error->remedy.push_back(
          fmt::format("where it has gone off since: flyt undo {} switches it on again",
                      run.planned->source.name));
    }
    run.lease.reset();
  }

  // Before it fills the source's storage.
  static void drop_grown_view(MachineRun& run) {
    const auto known = read_known(*run.planned, *run.crew);
    if (!known) return;  // the journal's own trouble is told already
    const auto dropped = drop_views(*run.planned, *run.plan, *run.crew, *known, run.owner(),
                                    Call{}.within(restore_patience));
    if (dropped || !run.outcome.error) return;
    run.outcome.error->state = fmt::format("the snapshot is still there: {}", dropped.error().what);
    run.outcome.error->remedy.insert(run.outcome.error->remedy.begin(),
                                     fmt::format("flyt undo {}", run.planned->source.name));
  }

  void settle(StepGraph& graph, std::size_t machine) {
    MachineRun& run = *runs_[machine];
    MachineOutcome& outcome = run.outcome;
    if (std::exchange(run.settled, true)) return;
    if (graph.complete(machine)) {
      const bool to_copied = options_.until != Until::landed && run.done("clean") == nullptr;
      outcome.state = to_copied ? MachineState::copied : MachineState::landed;
    } else if (outcome.state == MachineState::waiting && run.lease) {
      outcome.state = MachineState::stopped;
    }
    for (const Verdict& verdict : outcome.verdicts) {
      if (verdict.answer == Answer::fail) outcome.state = MachineState::failed;
    }
    // Copies that are asked for alone leave no source down that an earlier apply has shut down.
    if (run.lease && (!graph.complete(machine) || options_.until != Until::landed)) put_right(run);
    if (run.lease && run.view_must_go) drop_grown_view(run);
    run.status->machine(*run.planned, outcome.state, outcome.error ? outcome.error->what : "");
    if (!run.may_obey) run.lease.reset();
  }

  std::vector<std::unique_ptr<MachineRun>>& runs_;
  const ApplyOptions& options_;
  const Call& call_;
  std::mutex mutex_;
  std::condition_variable one_ended_;
  std::deque<Ended> ended_;
  std::vector<std::jthread> workers_;
};

// Verdicts and notes of steps that an earlier process has done.
void add_recorded(MachineOutcome& outcome, const std::vector<MachineOutcome>& recorded) {
  for (const MachineOutcome& before : recorded) {
    if (before.migration_id != outcome.migration_id) continue;
    outcome.record = before.record;
    // A step that failed has its error in the journal, not its verdict.
    std::vector<Verdict> verdicts = before.verdicts;
    for (Verdict& verdict : outcome.verdicts) {
      const auto same = [&](const Verdict& one) { return one.question == verdict.question; };
      if (std::none_of(verdicts.begin(), verdicts.end(), same)) {
        verdicts.push_back(std::move(verdict));
      }
    }
    outcome.verdicts = std::move(verdicts);
    if (outcome.target_id.empty()) outcome.target_id = before.target_id;
  }
}

// The site may have changed since the plan was made. The outcomes when the ground is forbidden now.
std::vector<MachineOutcome> judge_policy(const Plan& plan, const Site& site, const Crew& crew) {
  const auto target = site.endpoints.find(plan.target);
  GroundQuestion question{.policy = site.policy, .today = crew.now().substr(0, 10)};
  if (target != site.endpoints.end()) question.stated = target->second.ground;
  const auto verdicts = crew.verifier->judge_ground(question);
  const auto forbids = [](const Verdict& one) { return one.answer == Answer::fail; };
  if (std::none_of(verdicts.begin(), verdicts.end(), forbids)) return {};
  std::vector<MachineOutcome> outcomes;
  for (const PlannedMachine& planned : plan.machines) {
    outcomes.push_back({.migration_id = planned.migration_id,
                        .name = planned.source.name,
                        .state = MachineState::failed,
                        .verdicts = verdicts,
                        .error = Error{.code = Errc::invalid,
                                       .what = "the site's policy does not allow this ground",
                                       .state = "nothing was done",
                                       .remedy = {"flyt plan"}}});
  }
  return outcomes;
}

}  // namespace

Result<std::vector<MachineOutcome>> apply(const Plan& plan, const Site& site, const Crew& crew,
                                          const ApplyOptions& options, ApplyStatus& status,
                                          const Call& call) {
  if (plan.site_id != site.id) {
    return Error{.code = Errc::invalid,
                 .what = "the plan is of another site",
                 .seen = fmt::format("plan: {}, site file: {}", plan.site_id, site.id),
                 .state = "nothing was done"};
  }
  if (auto forbidden = judge_policy(plan, site, crew); !forbidden.empty()) return forbidden;
  FLYT_TRY(crew.journal->keep_plan(plan.digest, plan_text(plan)));
  std::vector<std::unique_ptr<MachineRun>> runs;
  StepGraph graph;
  for (std::size_t i = 0; i < plan.machines.size(); ++i) {
    const PlannedMachine& planned = plan.machines[i];
    auto run = std::make_unique<MachineRun>();
    run->plan = &plan;
    run->planned = &planned;
    run->site = &site;
    run->crew = &crew;
    run->options = &options;
    run->status = &status;
    run->outcome.migration_id = planned.migration_id;
    run->outcome.name = planned.source.name;
    run->outcome.starts = planned.starts();
    runs.push_back(std::move(run));
    graph.add_machine(
        i, {.disks = planned.source.disks.size(),
            .cutover = is_cut_over(planned, *crew.source),
            .track = planned.track_changes && crew.source->info().can.has(Capability::tracking),
            .convert = planned.convert,
            .introduce = planned.introduce.count() > 0,
            .land = crew.target->info().can.has(Capability::land),
            .starts = planned.starts(),
            .shaped = planned.spec.bare.empty(),
            .until = options.until,
            .enrol = !planned.after.empty()});
  }
  Executor(runs, options, call).run(graph);
  FLYT_ASSIGN(const auto journaled, recorded(plan, *crew.journal));
  std::vector<MachineOutcome> outcomes;
  for (auto& run : runs) {
    add_recorded(run->outcome, journaled);
    outcomes.push_back(std::move(run->outcome));
  }
  return outcomes;
}

}  // namespace flyt
