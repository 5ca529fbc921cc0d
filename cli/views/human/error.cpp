#include "cli/views/human/render.hpp"

#include <fmt/format.h>

#include <array>

namespace flyt::cli {
namespace {

constexpr std::size_t label_width = 7;  // "state" and two spaces

std::string labelled(std::string_view label, std::string_view text, std::string_view indent) {
  std::string out;
  std::string_view first = label;
  for (const auto& line : wrap(printable(text), widest_line - indent.size() - label_width)) {
    out += fmt::format("{}{}{}\n", indent, pad(first, label_width), line);
    first = "";
  }
  return out;
}

}  // namespace

std::string render_remedy(std::span<const std::string> remedy, std::string_view indent,
                          const Style& style) {
  std::string out;
  std::string_view first = "do";
  for (const auto& line : remedy) {
    out += fmt::format("{}{}{}\n", indent, pad(first, label_width), style.remedy(line));
    first = "";
  }
  return out;
}

std::string render_advice(std::string_view advice, std::string_view indent, const Style& style) {
  if (!advice.starts_with("flyt ")) return labelled("do", one_line(advice), indent);
  return render_remedy(std::array{std::string(advice)}, indent, style);
}

std::string render_details(const Error& error, std::string_view indent, const Style& style) {
  return labelled("seen", error.seen, indent) + labelled("why", error.why, indent) +
         labelled("state", error.state, indent) + render_remedy(error.remedy, indent, style);
}

std::string render_error(std::string_view prefix, const Error& error, const Style& style) {
  std::string out;
  const std::string first = fmt::format("{}: {}", one_line(prefix), one_line(error.what));
  for (const auto& line : wrap(first, widest_line)) {
    out += (out.empty() ? style.red(line) : "      " + line) + '\n';
  }
  return out + render_details(error, "  ", style);
}

}  // namespace flyt::cli
