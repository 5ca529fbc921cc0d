#include "cli/views/human/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flyt::cli {
namespace {

std::string coloured(Answer answer, const Style& style) {
  const auto word = to_string(answer);
  switch (answer) {
    case Answer::pass:
      return style.green(word);
    case Answer::fail:
      return style.red(word);
    case Answer::unverified:
      break;
  }
  return style.yellow(word);
}

std::string coloured(Severity severity, const Style& style) {
  switch (severity) {
    case Severity::blocker:
      return style.red("BLOCKED");
    case Severity::warning:
      return style.yellow("warning");
    case Severity::info:
      break;
  }
  return style.dim("info");
}

}  // namespace

std::string render_answer(const Verdict& verdict, const Style& style) {
  std::string text = coloured(verdict.answer, style);
  if (!verdict.value.empty()) text += ' ' + one_line(verdict.value);
  return text;
}

std::string render_verdicts(std::span<const Verdict> verdicts, std::string_view indent,
                            const Style& style) {
  std::string out;
  for (const auto& verdict : verdicts) {
    std::string line =
        fmt::format("{} {} {}", pad(to_string(verdict.question), 9),
                    pad(coloured(verdict.answer, style), 11), one_line(verdict.value));
    if (verdict.basis != Basis::none) line += fmt::format(" ({})", to_string(verdict.basis));
    line.erase(line.find_last_not_of(' ') + 1);
    out += fmt::format("{}{}\n", indent, line);
    if (verdict.answer == Answer::pass) continue;
    for (const auto& why : wrap(one_line(verdict.why), widest_line - indent.size() - 10)) {
      out += fmt::format("{}          {}\n", indent, why);
    }
  }
  return out;
}

std::string render_concerns(std::span<const Concern> concerns, const Style& style) {
  constexpr std::size_t mark_width = 7, gap = 2, most_name = 24, most_code = 32;
  std::size_t name_width = 0, code_width = 0;
  for (const auto& concern : concerns) {
    name_width = std::clamp(width_of(one_line(concern.machine)), name_width, most_name);
    code_width = std::clamp(width_of(one_line(concern.code)), code_width, most_code);
  }
  const std::size_t text_column = gap + mark_width + gap + name_width + (name_width ? gap : 0);
  const std::size_t text_width = widest_line - text_column - gap - code_width;
  std::string out;
  for (const auto severity : {Severity::blocker, Severity::warning, Severity::info}) {
    for (const auto& concern : concerns) {
      if (concern.severity != severity) continue;
      std::string head = fmt::format("  {}  ", pad(coloured(severity, style), mark_width));
      head += pad(shorten(one_line(concern.machine), most_name), name_width);
      std::string code = shorten(one_line(concern.code), most_code);
      for (const auto& line : wrap(one_line(concern.text), text_width)) {
        std::string row = pad(std::exchange(head, ""), text_column) + pad(line, text_width + gap) +
                          std::exchange(code, "");
        row.erase(row.find_last_not_of(' ') + 1);
        out += row + '\n';
      }
    }
  }
  return out;
}

std::string render_assessment(const Assessment& assessment, const Style& style) {
  std::string out = fmt::format(
      "{}   {}   {}   {} with warnings   {}\n", style.bold(assessment.endpoint),
      count(assessment.machines, "machine"), style.green(fmt::format("{} ready", assessment.ready)),
      assessment.with_warnings,
      assessment.blocked == 0 ? "0 blocked"
                              : style.red(fmt::format("{} blocked", assessment.blocked)));
  if (assessment.concerns.empty()) return out;
  out += render_concerns(assessment.concerns, style);
  return out +
         fmt::format("\n  {} tells what can be done.\n",
                     style.command({"assess", "--explain", assessment.concerns.front().code}));
}

}  // namespace flyt::cli
