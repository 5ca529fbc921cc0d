// Progress as JSON lines.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "plans/executor.hpp"

namespace flyt::cli {

// Says {"type":"machine"} when a machine's state or step changes, "note" as they come, "progress"
// once a second while bytes move. `say` is thread-safe and outlives what is returned.
std::unique_ptr<ApplyStatus> make_json_progress(
    const Plan& plan, std::function<void(const char* type, nlohmann::json)> say);

}  // namespace flyt::cli
