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

}  // namespace flyt::cli
