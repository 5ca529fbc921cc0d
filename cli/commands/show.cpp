#include <array>

#include "base/durable_file.hpp"
#include "cli/commands/commands.hpp"
#include "cli/plan_operand.hpp"
#include "cli/session.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint64_t largest_plan = std::uint64_t{256} << 20;

constexpr std::array operand_table{OperandInfo{"PLAN", "a plan file", true}};

Outcome run(const Arguments& arguments, Session& session) {
  const std::string file = arguments.operand(0);
  FLYT_ASSIGN(const auto text, of_plan(file, during(Origin::setup, read_file(file, largest_plan))));
  FLYT_ASSIGN(const auto plan, during(Origin::setup, within(file, parse_plan(text))));
  session.view().plan(plan, file, text);
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
