#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/units.hpp"
#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/judgement.hpp"
#include "cli/log.hpp"
#include "cli/plan_operand.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"PLAN", "a plan file, or a machine that has landed", true},
};
constexpr std::array option_table{
    OptionInfo{"ask", 0, "WORDS", "what counts: bytes,boot,place,operator,owner (default: all)"},
};

constexpr std::array questions{Question::bytes, Question::boot, Question::place,
                               Question::operator_, Question::owner};

Result<Question> question_of(const std::string& word) {
  std::vector<std::string_view> known;
  for (const Question question : questions) {
    if (to_string(question) == word) return question;
    known.push_back(to_string(question));
  }
  Error error{.code = Errc::invalid,
              .what = fmt::format("--ask: there is no question {:?}", word),
              .state = "nothing was done",
              .remedy = {fmt::format("there are: {}", fmt::join(known, ", "))}};
  if (const auto near = nearest(word, known); !near.empty()) {
    error.remedy.front() = fmt::format("write {}", near);
  }
  return error;
}

Result<Asked> options_of(const Arguments& arguments) {
  Asked asked;
  const auto words = arguments.text("ask");
  if (!words) return asked;
  asked.questions.clear();
  std::string word;
  for (const char letter : *words + ',') {
    if (letter != ',') {
      word += letter;
      continue;
    }
    FLYT_ASSIGN(const auto question, question_of(std::exchange(word, "")));
    asked.questions.insert(question);
  }
  return asked;
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto asked, during(Origin::setup, options_of(arguments)));
  const std::string plan = arguments.operand(0);
  FLYT_ASSIGN(const auto all, of_plan(plan, open_crew(session, plan)));
  const Log log(all->site.state);
  log.begins("verify", all->plan);
  auto status = log.beside(session.view().progress(all->plan));
  auto outcomes = verify(all->plan, all->site, all->crew, *status, session.call());
  status.reset();
  if (!outcomes) {
    log.failed("verify", outcomes.error());
    return failure_of(std::move(outcomes).error());
  }
  log.ended(*outcomes);
  Report report{.plan = &all->plan, .file = all->file, .outcomes = *std::move(outcomes)};
  // Read back before the first start: only the journal has it.
  for (const auto& outcome : report.outcomes) {
    report.earlier.emplace(outcome.migration_id, Question::bytes);
  }
  report.status = judge(report.outcomes, asked);
  report.verified = true;
  session.view().report(report);
  return report.status;
}

}  // namespace

const CommandInfo verify_command{
    .name = "verify",
    .summary = "Judges what has landed again: does it live, where, on whose ground.",
    .operands = operand_table,
    .options = option_table,
    .example = "  flyt verify pilot.json\n  flyt verify pilot.json --ask boot,place",
    .run = run,
};

}  // namespace flyt::cli
