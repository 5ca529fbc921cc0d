// [defaults.after] and [machines.NAME.after] of a site file: what is done with landed machines.
#pragma once

#include "base/result.hpp"
#include "base/site.hpp"
#include "cli/toml_table.hpp"

namespace flyt::cli {

// `settings`: [defaults] or a [machines.NAME]; without such a table nothing is said.
Result<AfterSettings> read_after(const TomlTable& settings);

}  // namespace flyt::cli
