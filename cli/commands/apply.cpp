#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/judgement.hpp"
#include "cli/log.hpp"
#include "cli/plan_operand.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"PLAN", "a plan file, or a machine that was begun", true},
};
constexpr std::array option_table{
    OptionInfo{"until", 0, "STATE", "stop there: copied or warm (default: all has landed)"},
    OptionInfo{"distrust-tracking", 0, "", "reads all, and tells what change tracking left out"},
    OptionInfo{"machines", 0, "NUMBER", "how many at once (default: 2)"},
    OptionInfo{"disks", 0, "NUMBER", "how many of their disks at once (default: 4)"},
};

constexpr unsigned most_at_once = 64;

Result<unsigned> number(const Arguments& arguments, std::string_view option, unsigned otherwise) {
  const auto text = arguments.text(option);
  if (!text) return otherwise;
  const bool digits = !text->empty() && text->size() <= 3 &&
                      text->find_first_not_of("0123456789") == std::string::npos;
  const unsigned value = digits ? static_cast<unsigned>(std::stoul(*text)) : 0;
  if (value >= 1 && value <= most_at_once) return value;
  return Error{.code = Errc::invalid,
               .what = fmt::format("--{} is a number from 1 to {}", option, most_at_once),
               .state = "nothing was done",
               .remedy = {fmt::format("write --{} {}", option, otherwise)}};
}

Result<ApplyOptions> options_of(const Arguments& arguments) {
  ApplyOptions options;
  const auto until = arguments.text("until");
  if (until == "copied") {
    options.until = Until::copied;
  } else if (until == "warm") {
    options.until = Until::warm;
  } else if (until) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("--until {} is not known", *until),
                 .state = "nothing was done",
                 .remedy = {"write --until copied or --until warm, or leave it out"}};
  }
  options.distrust_tracking = arguments.has("distrust-tracking");
  FLYT_ASSIGN(options.machines_at_once, number(arguments, "machines", options.machines_at_once));
  FLYT_ASSIGN(options.disks_at_once, number(arguments, "disks", options.disks_at_once));
  return options;
}

// Verdicts of steps that an earlier command has done, and this one did not do again.
std::set<std::pair<std::string, Question>> unchanged(const std::vector<MachineOutcome>& before,
                                                     const std::vector<MachineOutcome>& after) {
  std::set<std::pair<std::string, Question>> all;
  for (std::size_t at = 0; at < before.size() && at < after.size(); ++at) {
    for (const auto& then : before[at].verdicts) {
      for (const auto& now : after[at].verdicts) {
        if (now.question != then.question || now.at != then.at) continue;
        all.emplace(after[at].migration_id, now.question);
      }
    }
  }
  return all;
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto options, during(Origin::setup, options_of(arguments)));
  const std::string plan = arguments.operand(0);
  FLYT_ASSIGN(const auto all, of_plan(plan, open_crew(session, plan, Begun::now)));
  FLYT_ASSIGN(const auto before, during(Origin::work, recorded(all->plan, *all->journal)));
  const Log log(all->site.state);
  log.begins("apply", all->plan);
  auto status = log.beside(session.view().progress(all->plan));
  auto outcomes = apply(all->plan, all->site, all->crew, options, *status, session.call());
  status.reset();
  if (!outcomes) {
    log.failed("apply", outcomes.error());
    return failure_of(std::move(outcomes).error());
  }
  log.ended(*outcomes);
  Report report{.plan = &all->plan, .file = all->file, .outcomes = *std::move(outcomes)};
  report.earlier = unchanged(before, report.outcomes);
  report.until = options.until;
  report.status = judge(report.outcomes, {.landed = report.until == Until::landed});
  report.stopped = session.call().stop.stop_requested();
  // Of the source alone, from the journal: no endpoint is asked, a stop does not matter.
  if (const auto left = undo_actions(all->plan, all->crew, {}, session.call())) {
    for (const UndoAction& one : *left) {
      if (one.kind == UndoAction::Kind::drop_view) ++report.views_left;
      if (one.kind == UndoAction::Kind::untrack) ++report.tracked;
      if (one.kind == UndoAction::Kind::start) ++report.shut_down;
    }
  }
  session.view().report(report);
  return report.status;
}

}  // namespace

const CommandInfo apply_command{
    .name = "apply",
    .summary = "Carries out a plan, or goes on with it: copies, converts, starts, verifies.",
    .operands = operand_table,
    .options = option_table,
    .example = "  flyt apply pilot.json --until copied\n  flyt apply pilot.json",
    .run = run,
};

}  // namespace flyt::cli
