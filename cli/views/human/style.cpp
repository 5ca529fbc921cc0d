#include "cli/views/human/style.hpp"

#include <fmt/format.h>

#include "base/shell_word.hpp"
#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

std::string escaped(std::string_view word) {
  std::string out = "$'";
  for (const char letter : word) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte >= 0x7f || letter == '\'' || letter == '\\') {
      out += fmt::format("\\{:03o}", static_cast<unsigned>(byte));
    } else {
      out += letter;
    }
  }
  return out + "'";
}

}  // namespace

std::string shown_word(std::string_view word) {
  return one_line(word) == word ? shell_word(word) : escaped(word);
}

std::string Style::with_site(std::string_view command) const {
  if (site.empty()) return std::string(command);
  return fmt::format("{} --site {}", command, shown_word(site));
}

std::string Style::command(std::initializer_list<std::string_view> words) const {
  std::string line = "flyt";
  for (const auto word : words) line += ' ' + shown_word(word);
  return cyan(with_site(line));
}

std::string Style::remedy(std::string_view line) const {
  const std::string shown = one_line(line);
  const bool ours = shown.starts_with("flyt ") && shown.find("--site") == std::string::npos &&
                    !shown.ends_with("--help");
  return ours ? with_site(shown) : shown;
}

std::string Style::in(std::string_view code, std::string_view text) const {
  if (!colour || text.empty()) return one_line(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, one_line(text));
}

}  // namespace flyt::cli
