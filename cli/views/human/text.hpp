// Text for a terminal: width in columns, padding, shortening, wrapping, tables.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/views/human/style.hpp"

namespace flyt::cli {

inline constexpr std::size_t widest_line = 100, longest_name = 40;

// Columns that `text` takes: UTF-8, wide East Asian characters and emoji count 2, combining marks
// and escape sequences 0. What is not UTF-8 counts 1 a byte.
std::size_t width_of(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

// For texts from outside (names and messages come from platforms): control characters, marks that
// turn the direction of text or cannot be seen, and what is not UTF-8 become '?'. Line breaks are
// kept.
std::string printable(std::string_view text);
// The same in one line: line breaks become '?' too, so that a name cannot forge a line.
std::string one_line(std::string_view text);
// one_line, of at most `longest_name` columns.
std::string short_name(std::string_view name);

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

// Of a table: one printable line, whatever it is made from.
class Cell {
 public:
  template <std::convertible_to<std::string_view> T>
  Cell(const T& text) : text_(one_line(text)) {}
  // `text` holds colours, and was made printable before it got them.
  static Cell painted(std::string text);
  const std::string& text() const { return text_; }

 private:
  Cell() = default;
  std::string text_;
};

// Rows under a header, in columns as wide as they need; no line over widest_line: the widest column
// is shortened.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::vector<Align> align = {});
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  // Every line begins with `indent`.
  std::string text(const Style& style, std::string_view indent = "") const;

 private:
  std::vector<std::string> header_;
  std::vector<Align> align_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace flyt::cli
