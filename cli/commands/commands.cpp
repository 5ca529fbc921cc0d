#include "cli/commands/commands.hpp"

#include <array>

namespace flyt::cli {
namespace {

constexpr std::array commands{&init_command,   &check_command, &inventory_command, &assess_command,
                              &plan_command,   &show_command,  &apply_command,     &status_command,
                              &verify_command, &undo_command,  &drivers_command};

}  // namespace

std::span<const CommandInfo* const> all_commands() { return commands; }

}  // namespace flyt::cli
