// The concerns that planners raise: every code with its severity and what it means.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/concern_kind.hpp"

namespace flyt {

// By code, ascending. docs/concerns.md lists the same, which a test compares.
std::span<const ConcernKind> concern_kinds();

// REQUIRES: `code` is in concern_kinds(), which gives the severity. `machine` empty: the whole
// plan.
Concern concern(std::string_view code, std::string_view machine, std::string text,
                std::string remedy = {});

}  // namespace flyt
