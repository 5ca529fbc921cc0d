#include "cli/views/view.hpp"

#include <algorithm>

namespace flyt::cli {

std::string_view policy_word(const Plan& plan) noexcept {
  const auto any = [&](Answer answer) {
    return std::any_of(plan.ground.begin(), plan.ground.end(),
                       [answer](const Verdict& one) { return one.answer == answer; });
  };
  if (plan.ground.empty()) return "not judged";
  if (any(Answer::fail)) return "not allowed";
  return any(Answer::unverified) ? "not verified" : "allowed";
}

Severity AssessedMachine::worst() const noexcept {
  Severity severity = Severity::info;
  for (const auto& concern : concerns) severity = std::max(severity, concern.severity);
  return severity;
}

std::string_view verdict_word(Severity worst) noexcept {
  switch (worst) {
    case Severity::blocker:
      return "blocked";
    case Severity::warning:
      return "with warnings";
    case Severity::info:
      break;
  }
  return "ready";
}

std::size_t Assessment::count(Severity worst) const noexcept {
  const auto is_it = [worst](const AssessedMachine& one) { return one.worst() == worst; };
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_it));
}

std::vector<Concern> Assessment::concerns() const {
  std::vector<Concern> found;
  for (const auto& one : all) {
    found.insert(found.end(), one.concerns.begin(), one.concerns.end());
  }
  return found;
}

}  // namespace flyt::cli
