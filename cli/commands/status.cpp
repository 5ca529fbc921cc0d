#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/durable_file.hpp"
#include "base/units.hpp"
#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/judgement.hpp"
#include "cli/plan_operand.hpp"
#include "cli/session.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"PLAN",
                "a plan file, or a machine that was begun (default: all that were applied)"},
};

struct Known {
  Plan plan;
  std::string file;  // empty: only the journal has it
};

// Nothing where there is none; a folder that cannot be looked into is an error, not nothing.
Attempt<std::unique_ptr<Journal>> journal_of(const Site& site) {
  std::error_code error;
  const auto file = site.state / "journal.db";
  if (!std::filesystem::exists(file, error) && !error) return std::unique_ptr<Journal>();
  if (!error) return open_journal_of(site);
  Error denied = system_error(fmt::format("cannot look for {}", file.string()), error.value());
  denied.state = "nothing is known of what was applied";
  denied.remedy = {"run it as the user who owns the state folder, or see [site] state"};
  return failure(std::move(denied), Origin::work);
}

// Keeps the machines whose newest plan this is and of which something is left, and those that
// were never begun; none where nothing of it is left.
Status keep_current(Plan& plan, const std::vector<MachineRecord>& records, Journal& journal) {
  std::set<std::string> gone;
  bool begun = false;
  for (const auto& record : records) {
    FLYT_ASSIGN(const auto steps, journal.steps(record.machine));
    const bool current = record.plan == plan.digest && !steps.empty();
    begun = begun || current;
    if (!current) gone.insert(record.machine);
  }
  std::erase_if(plan.machines, [&](const PlannedMachine& one) {
    return !begun || gone.contains(one.migration_id);
  });
  return ok();
}

// The newest plan of each machine that the journal has, whole.
Attempt<std::vector<Known>> plans_of(const std::vector<MachineRecord>& records, Journal& journal) {
  std::set<std::string> digests;
  std::vector<Known> plans;
  for (const auto& record : records) {
    if (!digests.insert(record.plan).second) continue;
    FLYT_ASSIGN(const auto text, during(Origin::work, journal.plan(record.plan)));
    if (!text) continue;
    FLYT_ASSIGN(auto plan, during(Origin::setup, parse_plan(*text)));
    FLYT_TRY(during(Origin::work, keep_current(plan, records, journal)));
    if (!plan.machines.empty()) plans.push_back({std::move(plan), ""});
  }
  return plans;
}

Failure no_such(const std::string& name, const std::vector<MachineRecord>& records) {
  Error error{.code = Errc::not_found,
              .what = fmt::format("{:?} is neither a plan file nor a machine of the journal", name),
              .state = "nothing was done"};
  std::vector<std::string_view> known;
  known.reserve(records.size());
  for (const auto& record : records) known.push_back(record.name);
  if (const auto near = nearest(name, known); !near.empty()) {
    error.remedy.push_back(fmt::format("write {}", near));
  }
  error.remedy.emplace_back("flyt status");
  return failure(std::move(error), Origin::setup);
}

// By name or migration id; several of the same name are all shown.
Attempt<std::vector<Known>> plans_with(const std::string& name, std::vector<MachineRecord> records,
                                       Journal& journal) {
  const auto all = records;
  std::erase_if(records,
                [&](const MachineRecord& one) { return one.name != name && one.machine != name; });
  if (records.empty()) return no_such(name, all);
  std::set<std::string> wanted;
  for (const auto& record : records) wanted.insert(record.machine);
  FLYT_ASSIGN(auto plans, plans_of(records, journal));
  for (auto& known : plans) {
    std::erase_if(known.plan.machines,
                  [&](const PlannedMachine& one) { return !wanted.contains(one.migration_id); });
  }
  return plans;
}

Attempt<Report> report_of(const Known& known, const std::vector<MachineRecord>& records,
                          Journal& journal) {
  FLYT_ASSIGN(auto outcomes, during(Origin::work, recorded(known.plan, journal)));
  Report report{.plan = &known.plan, .file = known.file, .outcomes = std::move(outcomes)};
  report.judged = false;
  for (auto& outcome : report.outcomes) {
    const auto record = std::find_if(records.begin(), records.end(), [&](const MachineRecord& one) {
      return one.machine == outcome.migration_id;
    });
    if (record == records.end() || record->holder.empty()) continue;
    outcome.state = MachineState::running;
    report.holders[outcome.migration_id] = record->holder;
  }
  report.status = judge(report.outcomes, Asked{});
  return report;
}

// An empty name: all. A wrong plan file is named as such before an empty journal is.
Attempt<std::vector<Known>> find_plans(const Site& site, const std::string& name,
                                       const std::vector<MachineRecord>& records,
                                       Journal* journal) {
  std::error_code error;
  if (name.ends_with(".json") || std::filesystem::exists(name, error)) {
    FLYT_ASSIGN(auto plan, of_plan(name, read_plan_of(site, name)));
    if (journal == nullptr || records.empty()) return nothing_applied(site);
    return std::vector<Known>{{std::move(plan), name}};
  }
  if (journal == nullptr || records.empty()) return nothing_applied(site);
  return name.empty() ? plans_of(records, *journal) : plans_with(name, records, *journal);
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto site, session.site());
  FLYT_ASSIGN(const auto journal, journal_of(site));
  std::vector<MachineRecord> records;
  if (journal) {
    FLYT_ASSIGN(records, during(Origin::work, journal->machines()));
  }
  FLYT_ASSIGN(const auto plans, find_plans(site, arguments.operand(0), records, journal.get()));
  if (plans.empty()) session.view().remark("nothing is left of what was applied");
  ExitStatus status = ExitStatus::done;
  for (const auto& known : plans) {
    FLYT_ASSIGN(const auto report, report_of(known, records, *journal));
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
    .example = "  flyt status\n  flyt status pilot.json\n  flyt status web01",
    .run = run,
};

}  // namespace flyt::cli
