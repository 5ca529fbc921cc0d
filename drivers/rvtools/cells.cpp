#include "drivers/rvtools/cells.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/lower_case.hpp"
#include "base/units.hpp"

namespace flyt::rvtools {
namespace {

constexpr double largest_count = 4294967295.0;
constexpr double largest_mib = 8796093022208.0;  // 8 EiB

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Spaces and apostrophes group digits in some languages, and never mean more.
std::string without_groups(std::string_view text) {
  constexpr std::array<std::string_view, 5> groups{" ", "'", "\xc2\xa0", "\xe2\x80\xaf",
                                                   "\xe2\x80\x99"};
  std::string out;
  while (!text.empty()) {
    const auto found = std::find_if(groups.begin(), groups.end(),
                                    [&](std::string_view one) { return text.starts_with(one); });
    if (found == groups.end()) out += text.front();
    text.remove_prefix(found == groups.end() ? 1 : found->size());
  }
  return out;
}

std::optional<double> plain_number(std::string_view text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

// Every `mark` has three digits behind it, and one to three stand before the first.
bool are_thousands(std::string_view text, char mark) {
  const std::size_t first = text.find(mark);
  if (first == 0 || first > 3 || text.front() == '0') return false;
  for (std::size_t at = first; at < text.size(); at += 4) {
    if (text[at] != mark || text.size() < at + 4) return false;
    if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                     text.begin() + static_cast<std::ptrdiff_t>(at) + 4, is_digit)) {
      return false;
    }
  }
  return true;
}

std::string without(std::string_view text, char mark) {
  std::string out(text);
  std::erase(out, mark);
  return out;
}

std::optional<double> grouped_number(const std::string& text) {
  const auto last = text.find_last_of(".,");
  if (last == std::string::npos) return plain_number(text);
  const char mark = text[last];
  const char other = mark == '.' ? ',' : '.';
  const std::string_view whole = std::string_view(text).substr(0, last);
  const std::string fraction = "." + text.substr(last + 1);
  if (whole.find(other) != std::string_view::npos) {
    if (whole.find(mark) != std::string_view::npos || !are_thousands(whole, other)) {
      return std::nullopt;
    }
    return plain_number(without(whole, other) + fraction);
  }
  if (are_thousands(text, mark)) return plain_number(without(text, mark));
  if (whole.find(mark) != std::string_view::npos) return std::nullopt;
  return plain_number(std::string(whole) + fraction);
}

}  // namespace

std::optional<double> number_of(const Cell& cell) {
  if (cell.exact) return plain_number(cell.text);
  std::string text = without_groups(cell.text);
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  const bool written = std::all_of(text.begin(), text.end(),
                                   [](char c) { return is_digit(c) || c == '.' || c == ','; });
  if (text.empty() || !written) return std::nullopt;
  const auto value = grouped_number(text);
  return value && negative ? -*value : value;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string key_of(std::string_view name) {
  std::string key;
  for (const char c : name) {
    const char one = lower_case(c);
    const bool kept = is_digit(one) || (one >= 'a' && one <= 'z') || one == '#' || one < 0;
    if (kept) key += one;
  }
  return key;
}

Header::Header(const Cells& names) {
  for (const Cell& name : names) {
    by_key_.emplace(key_of(name.text), names_.size());
    names_.push_back(name.text);
  }
}

std::optional<std::size_t> Header::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

const Cell* Row::find(std::string_view key) const {
  const auto column = header_.find(key);
  return column && *column < cells_.size() ? &cells_[*column] : nullptr;
}

std::string Row::text(std::string_view key) const {
  const Cell* cell = find(key);
  return cell == nullptr ? std::string() : cell->text;
}

std::string Row::text_at(std::size_t column) const {
  return column < cells_.size() ? cells_[column].text : std::string();
}

std::optional<bool> Row::flag(std::string_view key) const {
  // A workbook that was saved by Excel has them in its language.
  constexpr std::array<std::string_view, 6> yes{"true", "yes", "1", "wahr", "sandt", "vrai"};
  constexpr std::array<std::string_view, 6> no{"false", "no", "0", "falsch", "falsk", "faux"};
  const std::string word = key_of(text(key));
  if (std::find(yes.begin(), yes.end(), word) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), word) != no.end()) return false;
  return std::nullopt;
}

std::optional<double> Row::number(std::string_view key) const {
  const Cell* cell = find(key);
  return cell == nullptr ? std::nullopt : number_of(*cell);
}

std::optional<std::uint64_t> Row::count(std::string_view key) const {
  const auto value = number(key);
  if (!value || *value < 0 || *value > largest_count || *value != std::floor(*value)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::uint64_t> Row::mib(Keys keys) const {
  for (const std::string_view key : keys) {
    if (!header_.find(key)) continue;
    const auto value = number(key);
    if (!value || *value < 0 || *value >= largest_mib) return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(*value * static_cast<double>(flyt::mib)));
  }
  return std::nullopt;
}

}  // namespace flyt::rvtools
