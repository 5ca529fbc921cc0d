#include "cli/views/human/style.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

bool is_plain(char letter) {
  constexpr std::string_view marks = "_-./:=@%+,";
  const auto byte = static_cast<unsigned char>(letter);
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || byte >= 0x80 ||
         marks.find(letter) != std::string_view::npos;
}

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

std::string sh_word(std::string_view word) {
  if (one_line(word) != word) return escaped(word);
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  std::string out = "'";
  for (const char letter : word) {
    if (letter == '\'') {
      out += "'\\''";
    } else {
      out += letter;
    }
  }
  return out + "'";
}

std::string Style::with_site(std::string_view command) const {
  if (site.empty()) return std::string(command);
  return fmt::format("{} --site {}", command, sh_word(site));
}

std::string Style::command(std::initializer_list<std::string_view> words) const {
  std::string line = "flyt";
  for (const auto word : words) line += ' ' + sh_word(word);
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
