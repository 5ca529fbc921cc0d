// A process that some flyt process started, named so that no other one is ever taken for it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace flyt {

struct Call;

struct ProcessMark {
  int pid = 0;
  std::uint64_t start = 0;  // clock ticks from the boot of the system to the start of the process
  std::string boot;         // which boot that was
  bool operator==(const ProcessMark&) const = default;
};

// Errc::not_found: no such process.
Result<ProcessMark> mark_process(int pid);

// A zombie has ended.
bool is_running(const ProcessMark& mark);

// SIGTERM, and SIGKILL when it is still there after a second. Success: it is gone.
Status end_process(const ProcessMark& mark, const Call& call);

}  // namespace flyt
