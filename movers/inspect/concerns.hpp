// The concerns about what is inside a machine: "I-". docs/concerns.md lists the same, which a test
// compares.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/concern_kind.hpp"

namespace flyt {

// By code, ascending.
std::span<const ConcernKind> inside_concern_kinds();

// REQUIRES: `code` is in inside_concern_kinds(), which gives the severity.
Concern inside_concern(std::string_view code, std::string_view machine, std::string text,
                       std::string remedy = {});

}  // namespace flyt
