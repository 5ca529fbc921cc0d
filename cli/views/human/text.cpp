#include "cli/views/human/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace flyt::cli {
namespace {

struct Glyph {
  std::size_t bytes = 1, columns = 1;
};

struct Range {
  char32_t first, last;
};

bool within(char32_t point, std::initializer_list<Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [point](Range one) { return point >= one.first && point <= one.last; });
}

// Unicode's East Asian Width W and F, in the ranges that names of machines are likely to hold.
std::size_t columns(char32_t point) {
  if (within(point, {{0x300, 0x36f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}, {0x20d0, 0x20ff}})) {
    return 0;
  }
  const bool wide = within(point, {{0x1100, 0x115f},
                                   {0x2e80, 0x303e},
                                   {0x3041, 0xa4cf},
                                   {0xac00, 0xd7a3},
                                   {0xf900, 0xfaff},
                                   {0xfe30, 0xfe6f},
                                   {0xff00, 0xff60},
                                   {0xffe0, 0xffe6},
                                   {0x1f300, 0x1f64f},
                                   {0x1f900, 0x1f9ff},
                                   {0x20000, 0x3fffd}});
  return wide ? 2 : 1;
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80; }

std::size_t escape_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b' || text[1] != '[') return 0;
  const auto end = text.find_first_not_of("0123456789;", 2);
  return end == std::string_view::npos ? text.size() : end + 1;
}

struct Letter {
  std::size_t bytes = 1;
  std::optional<char32_t> point;  // nothing: not UTF-8
};

// Longer forms than needed are not UTF-8 either: a terminal may take one for the short form.
Letter first_letter(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, lead};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (bytes == 1 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t point = lead & (0x7fU >> bytes);
  for (std::size_t at = 1; at < bytes; ++at) {
    if (!is_continuation(text[at])) return {};
    point = (point << 6U) | (static_cast<unsigned char>(text[at]) & 0x3fU);
  }
  const bool too_long = (bytes == 3 && point < 0x800) || (bytes == 4 && point < 0x10000);
  if (too_long || point > 0x10ffff || within(point, {{0xd800, 0xdfff}})) return {};
  return {bytes, point};
}

// Controls; line and paragraph separators; marks that turn or hide text. The joiners U+200C and
// U+200D stay: scripts and emoji need them.
bool may_be_shown(char32_t point) {
  return !within(point, {{0x0, 0x1f},
                         {0x7f, 0x9f},
                         {0xad, 0xad},
                         {0x61c, 0x61c},
                         {0x180e, 0x180e},
                         {0x200b, 0x200b},
                         {0x200e, 0x200f},
                         {0x2028, 0x202e},
                         {0x2060, 0x206f},
                         {0xfeff, 0xfeff},
                         {0xfff9, 0xfffb},
                         {0xe0000, 0xe0fff}});
}

Glyph first_glyph(std::string_view text) {
  if (const auto length = escape_length(text)) return {length, 0};
  const Letter letter = first_letter(text);
  return {letter.bytes, letter.point ? columns(*letter.point) : 1};
}

}  // namespace

std::size_t width_of(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    width += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return width;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    if (!letter.point) return false;
    text.remove_prefix(letter.bytes);
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    if (letter.point == U'\t') {
      out += ' ';
    } else if (letter.point && (letter.point == U'\n' || may_be_shown(*letter.point))) {
      out += text.substr(0, letter.bytes);
    } else {
      out += '?';
    }
    text.remove_prefix(letter.bytes);
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out = printable(text);
  std::replace(out.begin(), out.end(), '\n', '?');
  return out;
}

std::string short_name(std::string_view name) { return shorten(one_line(name), longest_name); }

std::string pad(std::string_view text, std::size_t width, Align align) {
  const std::size_t taken = width_of(text);
  const std::string space(taken < width ? width - taken : 0, ' ');
  return align == Align::left ? std::string(text) + space : space + std::string(text);
}

std::string shorten(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  std::string out;
  std::size_t taken = 0;
  bool coloured = false;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    if (taken + glyph.columns > width - 1) break;
    coloured = coloured || text[0] == '\x1b';
    out += text.substr(0, glyph.bytes);
    taken += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return out + "…" + (coloured ? "\x1b[0m" : "");
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (true) {
    const auto end = text.find('\n');
    std::string_view rest = text.substr(0, end);
    std::string line;
    while (!rest.empty()) {
      const auto space = rest.find(' ');
      const auto word = rest.substr(0, space);
      if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
        lines.push_back(std::exchange(line, ""));
      }
      if (!line.empty() && !word.empty()) line += ' ';
      line += word;
      rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
    }
    if (!line.empty()) lines.push_back(line);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string count(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(number), noun, number == 1 ? "" : "s");
}

std::string with_commas(std::uint64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string out;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && (digits.size() - at) % 3 == 0) out += ',';
    out += digits[at];
  }
  return out;
}

Cell Cell::painted(std::string text) {
  Cell cell;
  cell.text_ = std::move(text);
  return cell;
}

Table::Table(std::vector<std::string> header, std::vector<Align> align)
    : header_(std::move(header)), align_(std::move(align)) {
  align_.resize(header_.size(), Align::left);
}

std::string Table::text(const Style& style, std::string_view indent) const {
  constexpr std::size_t gap = 2, narrowest = 8;
  std::vector<std::size_t> widths(header_.size());
  for (std::size_t column = 0; column < header_.size(); ++column) {
    widths[column] = width_of(header_[column]);
    for (const auto& row : rows_) {
      widths[column] = std::max(widths[column], width_of(row[column].text()));
    }
  }
  const std::size_t fixed = indent.size() + gap * (header_.size() - 1);
  while (std::accumulate(widths.begin(), widths.end(), fixed) > widest_line) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest) break;
    --*widest;
  }
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string out(indent);
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) out.append(gap, ' ');
      out += pad(shorten(cells[column].text(), std::max<std::size_t>(widths[column], 1)),
                 widths[column], align_[column]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
  };
  std::vector<Cell> header;
  header.reserve(header_.size());
  for (const auto& title : header_) header.push_back(Cell::painted(style.dim(title)));
  std::string all = line(header);
  for (const auto& row : rows_) all += line(row);
  return all;
}

}  // namespace flyt::cli
