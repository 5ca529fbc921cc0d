// The date by which facts about ground are judged.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/options.hpp"

namespace flyt::cli {

// --today, which tests give, else the clock's. Errc::invalid for what is no day of the calendar.
Result<std::string> today_of(const Arguments& arguments);

}  // namespace flyt::cli
