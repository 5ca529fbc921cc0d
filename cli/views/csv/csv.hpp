// Tables for spreadsheets and scripts (RFC 4180: commas, quotes, CR LF, UTF-8).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/views/view.hpp"

namespace flyt::cli {

// A line for each machine and concern; a machine without one has a line of its own.
std::string assessment_csv_header();
std::string assessment_csv(const Assessment& assessment);

// As a cell between commas. Without control characters. What a spreadsheet would take for a formula
// (= + - @ in front, or behind a ';' or a '|' that may begin a cell in its language) gets an
// apostrophe, which makes it a text.
std::string csv_cell(std::string_view text);

}  // namespace flyt::cli
