// What standard output is, and what may be written to it.
#pragma once

#include <cstddef>

namespace flyt::cli {

struct Terminal {
  bool colour = false;
  bool live = false;  // bars may be redrawn in place
  std::size_t width = 100;
};

// Colours and bars only on a terminal, without NO_COLOR, CI=true, TERM=dumb and --no-color.
Terminal look_at_terminal(bool no_colour);

}  // namespace flyt::cli
