#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/units.hpp"
#include "cli/views/human/render.hpp"

namespace flyt::cli {
namespace {

constexpr std::array questions{Question::bytes, Question::boot, Question::place,
                               Question::operator_, Question::owner};

const Verdict* find(const MachineOutcome& outcome, Question question) {
  for (const auto& verdict : outcome.verdicts) {
    if (verdict.question == question) return &verdict;
  }
  return nullptr;
}

std::string coloured(MachineState state, const Style& style) {
  const auto word = to_string(state);
  switch (state) {
    case MachineState::landed:
    case MachineState::copied:
      return style.green(word);
    case MachineState::failed:
    case MachineState::drifted:
      return style.red(word);
    default:
      return style.yellow(word);
  }
}

std::string state_of(const Report& report, const MachineOutcome& outcome, const Style& style) {
  const auto holder = report.holders.find(outcome.migration_id);
  const std::string by =
      holder == report.holders.end() ? "" : fmt::format(" ({})", one_line(holder->second));
  return coloured(outcome.state, style) + by;
}

std::string render_table(const Report& report, const Style& style) {
  std::vector<std::string> header = {"machine", "state"};
  for (const auto question : questions) header.emplace_back(to_string(question));
  Table table(std::move(header));
  for (const auto& outcome : report.outcomes) {
    std::vector<Cell> row = {outcome.name, Cell::painted(state_of(report, outcome, style))};
    for (const auto question : questions) {
      const Verdict* verdict = find(outcome, question);
      row.push_back(
          Cell::painted(verdict == nullptr ? style.dim("-") : render_answer(*verdict, style)));
    }
    table.add(std::move(row));
  }
  return table.text(style);
}

// `text` in lines, the first behind `mark`.
std::string marked(std::string_view indent, std::string_view mark, std::string_view text) {
  std::string out;
  const std::string space(width_of(mark), ' ');
  for (const auto& line : wrap(one_line(text), widest_line - indent.size() - space.size() - 1)) {
    out += fmt::format("{}{} {}\n", indent, out.empty() ? mark : space, line);
  }
  return out;
}

// What is not PASS, right below the table.
std::string render_problems(const Report& report, const Style& style) {
  std::string out;
  for (const auto& outcome : report.outcomes) {
    for (const auto& verdict : outcome.verdicts) {
      if (verdict.answer == Answer::pass) continue;
      const auto mark = verdict.answer == Answer::fail ? style.red("✗") : style.yellow("?");
      out += marked("  ", mark,
                    fmt::format("{} {}: {}", short_name(outcome.name), to_string(verdict.question),
                                verdict.why));
    }
    if (!outcome.error) continue;
    out += marked("  ", style.red("✗"),
                  fmt::format("{}: {}", short_name(outcome.name), outcome.error->what));
    out += render_details(*outcome.error, "      ", style);
  }
  return out;
}

// Made by an earlier command, and told from the journal.
bool is_earlier(const Report& report, const MachineOutcome& outcome, const Verdict& verdict) {
  return !report.judged || report.earlier.contains({outcome.migration_id, verdict.question});
}

// A machine that had landed before is not judged again by apply.
std::string render_earlier(const Report& report) {
  if (!report.judged) return {};
  const auto number = static_cast<std::size_t>(std::count_if(
      report.outcomes.begin(), report.outcomes.end(), [&](const MachineOutcome& outcome) {
        return !outcome.verdicts.empty() &&
               std::all_of(outcome.verdicts.begin(), outcome.verdicts.end(),
                           [&](const Verdict& one) { return is_earlier(report, outcome, one); });
      }));
  if (number == 0) return {};
  return fmt::format("  {} judged earlier; the verdicts are as of the times below\n",
                     number == 1 ? "1 machine was" : count(number, "machine") + " were");
}

std::string render_basis(const Report& report, const MachineOutcome& outcome, const Style& style) {
  constexpr std::size_t label_width = 9;
  const std::string below(2 + label_width + 1, ' ');
  std::string out = fmt::format("\n{}   {}\n", style.bold(short_name(outcome.name)),
                                style.dim(outcome.migration_id));
  for (const auto& line : outcome.record) out += marked("  ", "·", line);
  for (const auto& verdict : outcome.verdicts) {
    const std::string_view of_then = is_earlier(report, outcome, verdict) ? "as of " : "";
    const std::string at = verdict.at.empty() ? "" : fmt::format(", {}{}", of_then, verdict.at);
    const std::string value = verdict.value.empty() ? "" : verdict.value + ": ";
    const std::string basis = verdict.basis == Basis::none && at.empty()
                                  ? ""
                                  : fmt::format(" ({}{})", to_string(verdict.basis), at);
    out += marked("  ", pad(to_string(verdict.question), label_width),
                  fmt::format("{}{}{}", value, verdict.why, basis));
    for (const auto& evidence : verdict.evidence) out += marked(below, "·", evidence);
  }
  return out;
}

std::size_t how_many(const Report& report, MachineState state) {
  return static_cast<std::size_t>(
      std::count_if(report.outcomes.begin(), report.outcomes.end(),
                    [state](const MachineOutcome& one) { return one.state == state; }));
}

std::string next_command(const Report& report, const std::string& what, const Style& style) {
  switch (report.status) {
    case ExitStatus::done:
      return style.command({report.until == Until::landed ? "verify" : "apply", what});
    case ExitStatus::unverified:
      return style.command({"verify", what});
    case ExitStatus::policy:
      return style.command({"undo", what, "--target", "--started"});
    default:
      break;
  }
  if (report.until == Until::landed) return style.command({"apply", what});
  return style.command({"apply", what, "--until", report.until == Until::warm ? "warm" : "copied"});
}

// What the next commands are about: the plan, or, where only the journal has it, machines.
std::vector<std::string> to_type(const Report& report) {
  constexpr std::size_t most = 3;
  if (!report.file.empty()) return {report.file};
  const bool of_landed =
      report.status == ExitStatus::done || report.status == ExitStatus::unverified;
  std::vector<std::string> names;
  for (const auto& outcome : report.outcomes) {
    const bool landed = outcome.state == MachineState::landed;
    if (landed == of_landed || report.status == ExitStatus::policy) names.push_back(outcome.name);
  }
  if (names.size() > most) names.clear();
  return names;
}

std::string next_commands(const Report& report, const Style& style) {
  if (report.status == ExitStatus::drift) return "   " + style.command({"plan"});
  const bool of_landed =
      report.status == ExitStatus::done || report.status == ExitStatus::unverified;
  if (report.verified && of_landed) return "";
  if (!report.holders.empty()) return "   " + style.command({"status"});
  const auto all = to_type(report);
  if (all.size() == 1) return "   " + next_command(report, all.front(), style);
  std::string out;
  for (const auto& one : all) out += "\n  " + next_command(report, one, style);
  return out;
}

std::string undo_command(const UndoReport& report, bool started, const Style& style) {
  if (!started) return style.command({"undo", report.file, "--target", "--yes"});
  return style.command({"undo", report.file, "--target", "--started", "--yes"});
}

// What is left of us on the source, where the work is not at its end.
std::string render_source(const Report& report, const Style& style) {
  std::vector<std::string> left;
  if (report.views_left > 0) left.push_back(count(report.views_left, "snapshot") + " of ours");
  if (report.tracked > 0) {
    left.push_back(fmt::format("change tracking of {}", count(report.tracked, "machine")));
  }
  if (report.shut_down > 0) left.push_back(count(report.shut_down, "machine") + " shut down");
  if (left.empty()) return report.stopped ? "Nothing on the source is changed.\n" : "";
  return fmt::format("Nothing on the source is changed but {}.   {} puts it right.\n",
                     fmt::join(left, ", "), style.command({"undo", report.file}));
}

std::string render_end(const Report& report, const Style& style) {
  const auto landed = how_many(report, MachineState::landed);
  std::string out =
      fmt::format("\n{} of {} landed", landed, count(report.outcomes.size(), "machine"));
  for (const auto state : {MachineState::copied, MachineState::running, MachineState::stopped,
                           MachineState::failed, MachineState::drifted, MachineState::waiting}) {
    if (const auto number = how_many(report, state)) {
      out += fmt::format(", {} {}", number, to_string(state));
    }
  }
  return out + '.' + next_commands(report, style) + '\n' + render_source(report, style);
}

}  // namespace

std::string render_report(const Report& report, const Style& style) {
  std::string out =
      render_table(report, style) + render_earlier(report) + render_problems(report, style);
  for (const auto& outcome : report.outcomes) {
    if (!outcome.verdicts.empty() || !outcome.record.empty())
      out += render_basis(report, outcome, style);
  }
  return out + render_end(report, style);
}

std::string render_undo(const UndoReport& report, const Style& style) {
  if (report.actions.empty()) return "nothing to undo: nothing of this plan is left\n";
  std::string out;
  std::size_t refused = 0;
  for (const auto& action : report.actions) {
    if (!action.refused.empty()) ++refused;
    const auto mark = !action.refused.empty() ? style.red("✗")
                      : report.done           ? style.green("✓")
                                              : style.yellow("·");
    out += fmt::format("  {} {}\n", mark, one_line(action.what));
    for (const auto& line : wrap(one_line(action.refused), widest_line - 6)) {
      out += fmt::format("      {}\n", line);
    }
  }
  const auto undone = report.actions.size() - refused;
  out += report.done ? fmt::format("{} undone, {} refused.\n", undone, refused)
                     : fmt::format("{} to do, {} refused. Nothing was done.\n", undone, refused);
  if (!report.done && undone > 0) {
    out += fmt::format("  To do it: {}\n", undo_command(report, report.options.started, style));
  }
  if (refused == 0 || report.options.started) return out;
  return out + fmt::format("  To do what is refused too: {}\n", undo_command(report, true, style));
}

}  // namespace flyt::cli
