#include <array>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{OperandInfo{"PLAN", "a plan file", true}};

Outcome run(const Arguments& arguments, Session& session) {
  const std::string file = arguments.operand(0);
  FLYT_ASSIGN(const auto plan, during(Origin::setup, read_plan(file)));
  session.view().plan(plan, file);
  return ExitStatus::done;
}

}  // namespace

const CommandInfo show_command{
    .name = "show",
    .summary = "Shows a plan for review: machines, disks, networks, conversion, facts, ground.",
    .operands = operand_table,
    .options = {},
    .example = "  flyt show pilot.json",
    .run = run,
};

}  // namespace flyt::cli
