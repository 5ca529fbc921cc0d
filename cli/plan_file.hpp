// The file that `flyt plan` writes: where it may stand, and that it can be read again.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "plans/plan.hpp"

namespace flyt::cli {

// check_output_file() for a plan.
Status check_plan_file(const std::filesystem::path& file, const std::filesystem::path& site);

// Errc::invalid, and nothing is written, for a plan that flyt would not read again.
Status write_plan(const std::filesystem::path& file, const Plan& plan);

}  // namespace flyt::cli
