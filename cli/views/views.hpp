// The two looks.
#pragma once

#include <memory>
#include <string>

#include "cli/terminal.hpp"
#include "cli/views/view.hpp"

namespace flyt::cli {

// Text to standard output, errors to standard error. `site`: what --site said, empty without it.
std::unique_ptr<View> make_human_view(const Terminal& terminal, const std::string& site);
// One JSON object a line, each with a `type`, all to standard output, errors too.
std::unique_ptr<View> make_json_view();

}  // namespace flyt::cli
