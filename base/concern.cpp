#include "base/concern.hpp"

namespace flyt {

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::blocker:
      return "blocker";
  }
  return "info";
}

}  // namespace flyt
