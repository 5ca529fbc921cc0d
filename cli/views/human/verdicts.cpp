#include "cli/concern_kinds.hpp"
#include "cli/views/human/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
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

// The columns of concerns.
struct Columns {
  std::size_t name = 0, code = 0;

  explicit Columns(std::span<const Concern> concerns) {
    constexpr std::size_t most_name = 24, most_code = 32;
    for (const auto& concern : concerns) {
      name = std::clamp(width_of(one_line(concern.machine)), name, most_name);
      code = std::clamp(width_of(one_line(concern.code)), code, most_code);
    }
  }
  std::size_t text() const { return 2 + mark_width + gap + name + (name > 0 ? gap : 0); }
  std::size_t text_width() const { return widest_line - text() - gap - code; }

  static constexpr std::size_t mark_width = 7, gap = 2;
};

std::string render_concern(const Concern& concern, const Columns& columns, const Style& style) {
  std::string head =
      fmt::format("  {}  ", pad(coloured(concern.severity, style), Columns::mark_width));
  if (columns.name > 0) head += shorten(one_line(concern.machine), columns.name);
  std::string code = shorten(one_line(concern.code), std::max<std::size_t>(columns.code, 1));
  std::string out;
  for (const auto& line : wrap(one_line(concern.text), columns.text_width())) {
    std::string row = pad(std::exchange(head, ""), columns.text()) +
                      pad(line, columns.text_width() + Columns::gap) + std::exchange(code, "");
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + '\n';
  }
  return out;
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
  const Columns columns(concerns);
  const std::string indent(columns.text(), ' ');
  std::string out;
  std::set<std::string_view> told;
  for (const auto severity : {Severity::blocker, Severity::warning, Severity::info}) {
    for (const auto& concern : concerns) {
      if (concern.severity != severity) continue;
      out += render_concern(concern, columns, style);
      if (concern.remedy.empty() || !told.insert(concern.remedy).second) continue;
      out += render_advice(concern.remedy, indent, style);
    }
  }
  return out;
}

std::string render_explain_hint(std::span<const Concern> concerns, const Style& style) {
  const Concern* worst = nullptr;
  for (const auto& concern : concerns) {
    if (find_concern_kind(concern.code) == nullptr) continue;
    if (worst == nullptr || concern.severity > worst->severity) worst = &concern;
  }
  if (worst == nullptr) return {};
  return fmt::format("  {} tells what can be done.\n",
                     style.command({"assess", "--explain", worst->code}));
}

std::string render_assessment(const Assessment& assessment, const Style& style) {
  const std::string blocked = fmt::format("{} blocked", assessment.count(Severity::blocker));
  std::string out =
      fmt::format("{}   {}   {}   {} with warnings   {}\n", style.bold(assessment.endpoint),
                  count(assessment.all.size(), "machine"),
                  style.green(fmt::format("{} ready", assessment.count(Severity::info))),
                  assessment.count(Severity::warning),
                  assessment.count(Severity::blocker) == 0 ? blocked : style.red(blocked));
  const auto concerns = assessment.concerns();
  if (concerns.empty()) return out;
  out += render_concerns(concerns, style);
  const auto hint = render_explain_hint(concerns, style);
  return hint.empty() ? out : out + '\n' + hint;
}

}  // namespace flyt::cli
