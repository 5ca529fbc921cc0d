// What a concern's code means, whoever raises it.
#pragma once

#include <string_view>

#include "base/concern.hpp"

namespace flyt {

struct ConcernKind {
  std::string_view code;
  Severity severity = Severity::info;  // the gravest that it comes with
  std::string_view title;              // one line
  std::string_view help;               // what it means and what can be done
};

}  // namespace flyt
