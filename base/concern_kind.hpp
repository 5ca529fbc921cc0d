// What a concern's code means, whoever raises it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/concern.hpp"

namespace flyt {

struct ConcernKind {
  std::string_view code;
  Severity severity = Severity::info;  // the gravest that it comes with
  std::string_view title;              // one line
  std::string_view help;               // what it means and what can be done
};

// Null: there is none with this code.
const ConcernKind* find_kind(std::span<const ConcernKind> kinds, std::string_view code) noexcept;

// With its kind's severity. A code that is not in the table is a blocker: it must not let a machine
// through. `machine` empty: the whole plan.
Concern concern_of(std::span<const ConcernKind> kinds, std::string_view code,
                   std::string_view machine, std::string text, std::string remedy = {});

}  // namespace flyt
