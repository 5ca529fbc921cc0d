#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Terminal look_at_terminal(bool no_colour) {
  Terminal terminal;
  const bool dumb = environment("TERM") == "dumb" || environment("CI") == "true";
  terminal.live = isatty(STDOUT_FILENO) == 1 && !dumb;
  terminal.colour = terminal.live && !no_colour && environment("NO_COLOR").empty();
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = std::clamp<std::size_t>(size.ws_col, 40, widest_line);
  }
  return terminal;
}

}  // namespace flyt::cli
