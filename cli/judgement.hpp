// From what became of machines to the exit status.
#pragma once

#include <set>
#include <vector>

#include "base/verdict.hpp"
#include "cli/exit_status.hpp"
#include "plans/executor.hpp"

namespace flyt::cli {

struct Asked {
  std::set<Question> questions = {Question::bytes, Question::boot, Question::place,
                                  Question::operator_, Question::owner};
  bool landed = true;  // false: machines need only be copied
};

ExitStatus judge(const MachineOutcome& outcome, const Asked& asked);
ExitStatus judge(const std::vector<MachineOutcome>& outcomes, const Asked& asked);

}  // namespace flyt::cli
