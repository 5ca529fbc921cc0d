// What to do when the file that was named as a plan cannot be read.
#pragma once

#include <string>

#include "cli/attempt.hpp"

namespace flyt::cli {

// Adds it to failures of reading `file` that say nothing themselves; others stay as they are.
Failure with_plan_remedy(Failure failure, const std::string& file);

template <typename T>
Attempt<T> of_plan(const std::string& file, Attempt<T> attempt) {
  if (attempt) return attempt;
  return with_plan_remedy(std::move(attempt).error(), file);
}

}  // namespace flyt::cli
