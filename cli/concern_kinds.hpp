// All kinds of concerns: those of planners and of drivers.
#pragma once

#include <string_view>
#include <vector>

#include "base/concern_kind.hpp"

namespace flyt::cli {

// Null: nobody raises a concern with this code.
const ConcernKind* find_concern_kind(std::string_view code);
std::vector<std::string_view> concern_codes();

}  // namespace flyt::cli
