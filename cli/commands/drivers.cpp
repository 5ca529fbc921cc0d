#include "drivers/all.hpp"

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

Outcome run(const Arguments&, Session& session) {
  session.view().drivers(all_drivers());
  return ExitStatus::done;
}

}  // namespace

const CommandInfo drivers_command{
    .name = "drivers",
    .summary = "Lists the drivers and the keys of their endpoints.",
    .operands = {},
    .options = {},
    .example = "  flyt drivers",
    .run = run,
};

}  // namespace flyt::cli
