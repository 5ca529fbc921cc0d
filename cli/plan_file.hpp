// The file that `flyt plan` writes: where it may stand, and that it can be read again.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "plans/plan.hpp"

namespace flyt::cli {

// Errc::invalid where writing a plan would cost what is there: the site file, or anything that is
// not an empty file or a plan; Errc::not_found names the folder that is missing. Asked before any
// endpoint is.
Status check_plan_file(const std::filesystem::path& file, const std::filesystem::path& site);

// Errc::invalid, and nothing is written, for a plan that flyt would not read again.
Status write_plan(const std::filesystem::path& file, const Plan& plan);

}  // namespace flyt::cli
