// Files that a command writes: where one may stand.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hpp"

namespace flyt::cli {

struct OutputKind {
  std::string_view name;                              // "plan"
  std::string_view command;                           // what writes it: "flyt plan -o"
  Status (*read)(const std::filesystem::path& file);  // success: there is one
};

// Errc::invalid where writing one would cost what is there: the site file, or anything that is
// not an empty file or one of its kind; Errc::not_found names the folder that is missing. Asked
// before any endpoint is.
Status check_output_file(const OutputKind& kind, const std::filesystem::path& file,
                         const std::filesystem::path& site);

}  // namespace flyt::cli
