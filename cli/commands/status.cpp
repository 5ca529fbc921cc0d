#include <fmt/format.h>

#include <array>
#include <set>

#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/judgement.hpp"
#include "cli/session.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"PLAN", "a plan file (default: all plans that were applied)"},
};

struct Known {
  Plan plan;
  std::string file;
};

// The newest plan of each machine that the journal has, whole.
Attempt<std::vector<Known>> plans_of(Journal& journal) {
  FLYT_ASSIGN(const auto machines, during(Origin::work, journal.machines()));
  std::set<std::string> digests;
  std::vector<Known> plans;
  for (const auto& machine : machines) {
    if (!digests.insert(machine.plan).second) continue;
    FLYT_ASSIGN(const auto text, during(Origin::work, journal.plan(machine.plan)));
    if (!text) continue;
    FLYT_ASSIGN(auto plan, during(Origin::setup, parse_plan(*text)));
    plans.push_back({std::move(plan), "PLAN"});
  }
  return plans;
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto site, session.site());
  std::vector<Known> plans;
  if (!arguments.operands().empty()) {
    FLYT_ASSIGN(auto plan, read_plan_of(site, arguments.operand(0)));
    plans.push_back({std::move(plan), arguments.operand(0)});
  }
  if (!has_journal(site)) {
    return nothing_applied(site);
  }
  FLYT_ASSIGN(const auto journal, open_journal_of(site));
  if (plans.empty()) {
    FLYT_ASSIGN(plans, plans_of(*journal));
  }
  ExitStatus status = ExitStatus::done;
  for (const auto& known : plans) {
    FLYT_ASSIGN(auto outcomes, during(Origin::work, recorded(known.plan, *journal)));
    Report report{.plan = &known.plan, .file = known.file, .outcomes = std::move(outcomes)};
    report.judged = false;
    report.status = judge(report.outcomes, Asked{});
    session.view().report(report);
    status = worse(status, report.status);
  }
  return status;
}

}  // namespace

const CommandInfo status_command{
    .name = "status",
    .summary = "Tells from the journal how far each machine is; asks no endpoint.",
    .operands = operand_table,
    .options = {},
    .example = "  flyt status\n  flyt status pilot.json",
    .run = run,
};

}  // namespace flyt::cli
