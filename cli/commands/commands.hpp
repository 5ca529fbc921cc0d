// The table of commands: one file each in this folder.
#pragma once

#include <span>

#include "cli/options.hpp"

namespace flyt::cli {

extern const CommandInfo init_command, check_command, inventory_command, assess_command,
    plan_command, show_command, apply_command, status_command, verify_command, undo_command,
    drivers_command;

std::span<const CommandInfo* const> all_commands();  // as the help lists them

}  // namespace flyt::cli
