#include <algorithm>
#include <array>
#include <utility>

#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/judgement.hpp"
#include "cli/plan_operand.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"PLAN", "a plan file, or a machine that was begun", true},
};
constexpr std::array option_table{
    OptionInfo{"target", 0, "", "also destroy what this migration made on the target"},
    OptionInfo{"started", 0, "", "even a machine that has been started there"},
    OptionInfo{"yes", 'y', "", "do it; without it --target only lists"},
};

struct Options {
  UndoOptions undo;
  bool yes = false;
};

Result<Options> options_of(const Arguments& arguments) {
  const Options options{{arguments.has("target"), arguments.has("started")}, arguments.has("yes")};
  if (!options.undo.started || options.undo.target) return options;
  return Error{.code = Errc::invalid,
               .what = "--started says something only with --target",
               .state = "nothing was done",
               .remedy = {"write --target --started, or leave --started out"}};
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto options, during(Origin::setup, options_of(arguments)));
  const std::string plan = arguments.operand(0);
  FLYT_ASSIGN(const auto all, of_plan(plan, open_crew(session, plan)));
  UndoReport report{.plan = &all->plan, .file = all->file, .options = options.undo};
  auto actions = undo_actions(all->plan, all->crew, options.undo, session.call());
  if (!actions) return failure_of(std::move(actions).error());
  report.actions = *std::move(actions);
  if (options.undo.target && !options.yes && !report.actions.empty()) {
    report.status = ExitStatus::usage;
    session.view().undo(report);
    return report.status;
  }
  auto undone = undo(all->plan, all->crew, options.undo, session.call());
  if (!undone) return failure_of(std::move(undone).error());
  report.done = true;
  const bool refused = std::any_of(report.actions.begin(), report.actions.end(),
                                   [](const UndoAction& one) { return !one.refused.empty(); });
  if (refused) report.status = ExitStatus::failed;
  session.view().undo(report);
  return report.status;
}

}  // namespace

const CommandInfo undo_command{
    .name = "undo",
    .summary = "Puts the source right again; with --target also removes what was made there.",
    .operands = operand_table,
    .options = option_table,
    .example = "  flyt undo web01\n  flyt undo pilot.json --target --yes",
    .run = run,
};

}  // namespace flyt::cli
