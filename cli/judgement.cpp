#include "cli/judgement.hpp"

#include <utility>

#include "cli/endpoints.hpp"

namespace flyt::cli {
namespace {

ExitStatus judge(const Verdict& verdict) {
  if (verdict.answer == Answer::pass) return ExitStatus::done;
  if (verdict.answer == Answer::unverified) return ExitStatus::unverified;
  const bool of_workload =
      verdict.question == Question::bytes || verdict.question == Question::boot;
  return of_workload ? ExitStatus::failed : ExitStatus::policy;
}

// Silence is UNVERIFIED.
ExitStatus judge_verdicts(const MachineOutcome& outcome, const Asked& asked) {
  ExitStatus status = ExitStatus::done;
  for (const Question question : asked.questions) {
    if (question == Question::boot && !outcome.starts) continue;
    ExitStatus answer = ExitStatus::unverified;
    for (const auto& verdict : outcome.verdicts) {
      if (verdict.question == question) answer = judge(verdict);
    }
    status = worse(status, answer);
  }
  return status;
}

bool names_endpoint(const std::string& what) {
  const std::string context = endpoint_context("");
  return what.starts_with(context) || what.find(": " + context) != std::string::npos;
}

}  // namespace

bool of_endpoint(const Error& error) {
  if (!names_endpoint(error.what)) return false;
  // "web01 is not off" is the driver's own refusal: it quotes nobody.
  if (error.code == Errc::denied) return !error.seen.empty();
  return is_transient(error.code);
}

Failure failure_of(Error error) {
  const Origin origin = names_endpoint(error.what) ? Origin::endpoint : Origin::work;
  return failure(std::move(error), origin);
}

ExitStatus judge(const MachineOutcome& outcome, const Asked& asked) {
  switch (outcome.state) {
    case MachineState::landed:
      return judge_verdicts(outcome, asked);
    case MachineState::copied:
      return asked.landed ? ExitStatus::stopped : ExitStatus::done;
    case MachineState::drifted:
      return ExitStatus::drift;
    case MachineState::failed:
      break;
    default:
      return ExitStatus::stopped;
  }
  const bool endpoint = outcome.error && of_endpoint(*outcome.error);
  const ExitStatus failed = endpoint ? ExitStatus::endpoint : ExitStatus::failed;
  // A machine whose verdict was FAIL has failed; ground that breaks the policy weighs more.
  ExitStatus status = failed;
  for (const auto& verdict : outcome.verdicts) {
    if (asked.questions.contains(verdict.question)) status = worse(status, judge(verdict));
  }
  return status;
}

ExitStatus judge(const std::vector<MachineOutcome>& outcomes, const Asked& asked) {
  ExitStatus status = ExitStatus::done;
  for (const auto& outcome : outcomes) status = worse(status, judge(outcome, asked));
  return status;
}

}  // namespace flyt::cli
