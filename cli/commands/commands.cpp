#include "cli/commands/commands.hpp"

#include <array>

namespace flyt::cli {
namespace {

constexpr std::array commands{&init_command, &check_command, &inventory_command, &assess_command,
                              &drivers_command};

}  // namespace

std::span<const CommandInfo* const> all_commands() { return commands; }

}  // namespace flyt::cli
