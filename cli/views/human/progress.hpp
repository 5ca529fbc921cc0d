// Progress for people: bars that are redrawn in place, or plain lines.
#pragma once

#include <memory>
#include <string>

#include "cli/terminal.hpp"
#include "cli/views/progress.hpp"

namespace flyt::cli {

struct Style;

// One line for all and one for each machine that is not waiting; no line over `width`.
std::vector<std::string> render_progress(const ProgressSnapshot& now, const Style& style,
                                         std::size_t width);

// Draws at the end of standard output; `say` prints a line above the bars. Thread-safe.
class ProgressDisplay : public ProgressStatus {
 public:
  using ProgressStatus::ProgressStatus;
  virtual void say(const std::string& line) = 0;
};

std::unique_ptr<ProgressDisplay> make_progress_display(const Plan& plan, const Terminal& terminal);

}  // namespace flyt::cli
