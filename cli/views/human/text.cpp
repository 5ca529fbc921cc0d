#include "cli/views/human/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
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

Glyph first_glyph(std::string_view text) {
  if (const auto length = escape_length(text)) return {length, 0};
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (bytes == 1 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t point = lead & (0x7fU >> bytes);
  for (std::size_t at = 1; at < bytes; ++at) {
    if (!is_continuation(text[at])) return {};
    point = (point << 6U) | (static_cast<unsigned char>(text[at]) & 0x3fU);
  }
  return {bytes, columns(point)};
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

std::string printable(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at < out.size(); ++at) {
    const auto byte = static_cast<unsigned char>(out[at]);
    // C1 controls are 0xc2 0x80 to 0xc2 0x9f in UTF-8.
    const bool c1 = byte == 0xc2 && at + 1 < out.size() &&
                    static_cast<unsigned char>(out[at + 1]) < 0xa0 && is_continuation(out[at + 1]);
    if (c1) out.replace(at, 2, "?");
    if (byte == '\t') out[at] = ' ';
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) out[at] = '?';
  }
  return out;
}

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

std::string Style::in(std::string_view code, std::string_view text) const {
  if (!colour || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
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
    for (const auto& row : rows_) widths[column] = std::max(widths[column], width_of(row[column]));
  }
  const std::size_t fixed = indent.size() + gap * (header_.size() - 1);
  while (std::accumulate(widths.begin(), widths.end(), fixed) > widest_line) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest) break;
    --*widest;
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out(indent);
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) out.append(gap, ' ');
      out += pad(shorten(cells[column], std::max<std::size_t>(widths[column], 1)), widths[column],
                 align_[column]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
  };
  std::vector<std::string> header = header_;
  for (auto& cell : header) cell = style.dim(cell);
  std::string all = line(header);
  for (const auto& row : rows_) all += line(row);
  return all;
}

}  // namespace flyt::cli
