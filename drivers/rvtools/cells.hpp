// A tab's rows, as both kinds of export give them: the columns are found by their names.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::rvtools {

struct Cell {
  std::string text;    // clean UTF-8, trimmed
  bool exact = false;  // a number of a workbook: a point is its decimal one, nothing else is in it
};

using Cells = std::vector<Cell>;
// The first row is the header. What it returns ends the reading where it is an error.
using RowSink = std::function<Status(const Cells& cells)>;

// A number as people write it: 1024, 1.024, "1,024", 1 024, 1'024 are one thousand and twenty-four,
// 1024,5 and 1,024.50 have a fraction. One separator with three digits behind it stands for
// thousands. Nothing: it is none.
std::optional<double> number_of(const Cell& cell);

std::string trimmed(std::string_view text);

// "Capacity MiB" and "capacity_mib" are the same key, "capacitymib"; "# Cores" is "#cores".
std::string key_of(std::string_view name);

class Header {
 public:
  explicit Header(const Cells& names);
  const std::vector<std::string>& names() const { return names_; }
  std::optional<std::size_t> find(std::string_view key) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> by_key_;
};

// All by key, as key_of() gives it; of several, names that versions of RVTools have given one
// column, the first that the tab has.
class Row {
 public:
  using Keys = std::initializer_list<std::string_view>;

  Row(const Header& header, const Cells& cells) : header_(header), cells_(cells) {}
  std::string text(std::string_view key) const;
  std::string text_at(std::size_t column) const;
  std::optional<bool> flag(std::string_view key) const;  // nothing: it says neither
  std::optional<std::uint64_t> count(std::string_view key) const;
  std::optional<std::uint64_t> mib(Keys keys) const;  // in bytes
  std::optional<double> number(std::string_view key) const;

 private:
  const Cell* find(std::string_view key) const;

  const Header& header_;
  const Cells& cells_;
};

}  // namespace flyt::rvtools
