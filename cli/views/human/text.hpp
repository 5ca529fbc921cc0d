// Text for a terminal: width in columns, padding, shortening, wrapping, colours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flyt::cli {

inline constexpr std::size_t widest_line = 100;

// Columns that `text` takes: UTF-8, wide East Asian characters and emoji count 2, combining marks
// and escape sequences 0. What is not UTF-8 counts 1 a byte.
std::size_t width_of(std::string_view text) noexcept;

// Control characters (names and messages come from platforms) become '?'; line breaks are kept.
std::string printable(std::string_view text);

enum class Align : std::uint8_t { left, right };
std::string pad(std::string_view text, std::size_t width, Align align = Align::left);
// At most `width` columns, with "…" where something is cut. REQUIRES: width > 0.
std::string shorten(std::string_view text, std::size_t width);
// Lines of at most `width` columns, broken at spaces and at line breaks; longer words stay whole.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// "1 machine", "2 machines".
std::string count(std::uint64_t number, std::string_view noun);
// "1,140"
std::string with_commas(std::uint64_t number);

struct Style {
  bool colour = false;

  std::string bold(std::string_view text) const { return in("1", text); }
  std::string dim(std::string_view text) const { return in("2", text); }
  std::string red(std::string_view text) const { return in("31", text); }
  std::string green(std::string_view text) const { return in("32", text); }
  std::string yellow(std::string_view text) const { return in("33", text); }
  std::string cyan(std::string_view text) const { return in("36", text); }

 private:
  std::string in(std::string_view code, std::string_view text) const;
};

// Rows under a header, in columns as wide as they need; no line over widest_line: the widest column
// is shortened. Cells may hold colours.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::vector<Align> align = {});
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  // Every line begins with `indent`.
  std::string text(const Style& style, std::string_view indent = "") const;

 private:
  std::vector<std::string> header_;
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace flyt::cli
