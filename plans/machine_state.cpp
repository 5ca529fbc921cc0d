#include "plans/executor.hpp"

namespace flyt {

std::string_view to_string(MachineState state) noexcept {
  switch (state) {
    case MachineState::waiting:
      return "waiting";
    case MachineState::running:
      return "running";
    case MachineState::copied:
      return "copied";
    case MachineState::landed:
      return "landed";
    case MachineState::failed:
      return "failed";
    case MachineState::stopped:
      return "stopped";
    case MachineState::drifted:
      return "drifted";
  }
  return "unknown";
}

}  // namespace flyt
