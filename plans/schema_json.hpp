// A plan against its JSON Schema. Apart, because the validator is heavy to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"

namespace flyt {

// Errc::invalid: `seen` is the JSON pointer of the place and what is wrong there. Never throws.
Status check_schema(const nlohmann::json& plan);

}  // namespace flyt
