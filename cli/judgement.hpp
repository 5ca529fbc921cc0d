// From what became of machines to the exit status.
#pragma once

#include <set>
#include <vector>

#include "base/verdict.hpp"
#include "cli/attempt.hpp"
#include "plans/executor.hpp"

namespace flyt::cli {

struct Asked {
  std::set<Question> questions = {Question::bytes, Question::boot, Question::place,
                                  Question::operator_, Question::owner};
  bool landed = true;  // false: machines need only be copied
};

// Whether an endpoint could not be reached or refused us: the error names the endpoint, as all do
// that come from a driver, and is unavailable, timed out, or denied in the platform's own words. A
// conversion, a local file or the journal can fail in the same ways, and name none.
bool of_endpoint(const Error& error);

// The end of a command that works with endpoints and our own state: what names no endpoint is not
// one's fault.
Failure failure_of(Error error);

ExitStatus judge(const MachineOutcome& outcome, const Asked& asked);
ExitStatus judge(const std::vector<MachineOutcome>& outcomes, const Asked& asked);

}  // namespace flyt::cli
