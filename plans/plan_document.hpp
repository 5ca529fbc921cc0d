// Plans as files: RFC 8785 canonical JSON, schema and digest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plans/plan.hpp"

namespace flyt {

// Pretty JSON with `$schema` and the digest filled in; a fixed order of members.
std::string plan_text(const Plan& plan);
std::string plan_digest(const Plan& plan);

// Errc::invalid: not JSON, breaks the schema (names the place), another version (says which flyt
// reads it), or edited by hand (the digest does not fit). Never throws.
Result<Plan> parse_plan(std::string_view text);
Result<Plan> read_plan(const std::filesystem::path& file);

std::string_view plan_schema();  // JSON Schema draft-07

}  // namespace flyt
