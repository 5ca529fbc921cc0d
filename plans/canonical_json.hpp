// RFC 8785: one spelling for each JSON value, so that a digest can be taken of it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.hpp"

namespace flyt {

// Whole numbers only: Errc::invalid for a fraction, an exponent or a number beyond 2^53 - 1, which
// not every reader would see alike.
Result<std::string> canonical_text(const nlohmann::json& json);

}  // namespace flyt
