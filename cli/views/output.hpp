// Standard output. What it did not take is remembered: nobody may think that all was said.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace flyt::cli {

// Written and flushed.
void put(std::string_view text);

// The first failure since the program began.
std::optional<Error> output_error();

}  // namespace flyt::cli
