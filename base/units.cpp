#include "base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

namespace flyt {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::uint64_t pib = 1024 * tib;
constexpr std::uint64_t kb = 1000, mb = 1000 * kb, gb = 1000 * mb, tb = 1000 * gb, pb = 1000 * tb;

// Not "Mb", "Gb": those are bits. A single letter is what truncate and qemu-img take it for.
constexpr std::array<SizeUnit, 24> size_units = {
    {{"", 1},      {"B", 1},     {"K", kib},   {"M", mib},   {"G", gib},   {"T", tib},
     {"P", pib},   {"k", kib},   {"KiB", kib}, {"MiB", mib}, {"GiB", gib}, {"TiB", tib},
     {"PiB", pib}, {"kib", kib}, {"mib", mib}, {"gib", gib}, {"tib", tib}, {"kB", kb},
     {"KB", kb},   {"MB", mb},   {"GB", gb},   {"TB", tb},   {"PB", pb},   {"bytes", 1}}};

struct TimeUnit {
  std::string_view name;
  std::uint64_t seconds;
};

constexpr std::array<TimeUnit, 16> time_units = {{{"", 1},
                                                  {"s", 1},
                                                  {"sec", 1},
                                                  {"second", 1},
                                                  {"seconds", 1},
                                                  {"m", 60},
                                                  {"min", 60},
                                                  {"minute", 60},
                                                  {"minutes", 60},
                                                  {"h", 3600},
                                                  {"hour", 3600},
                                                  {"hours", 3600},
                                                  {"d", 86400},
                                                  {"day", 86400},
                                                  {"days", 86400},
                                                  {"w", 604800}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
  const auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(word.size());
  return word;
}

struct Number {
  std::uint64_t whole = 0;
  long double fraction = 0;
};

std::optional<Number> take_number(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  Number number;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    if (__builtin_mul_overflow(number.whole, std::uint64_t{10}, &number.whole) ||
        __builtin_add_overflow(number.whole, digit, &number.whole)) {
      return std::nullopt;
    }
  }
  if (text.empty() || text.front() != '.') return number;
  text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  long double place = 1;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    place /= 10;
    number.fraction += place * static_cast<long double>(text.front() - '0');
  }
  return number;
}

std::optional<std::uint64_t> times(const Number& number, std::uint64_t unit) {
  std::uint64_t product = 0;
  // 2.3 kB is 2300 bytes, though the nearest binary fraction of 0.3 is a little less.
  const long double rest = number.fraction * static_cast<long double>(unit) + 1e-6L;
  if (__builtin_mul_overflow(number.whole, unit, &product) ||
      __builtin_add_overflow(product, static_cast<std::uint64_t>(rest), &product)) {
    return std::nullopt;
  }
  return product;
}

Error no_size(std::string_view text) {
  return {Errc::invalid,
          fmt::format("\"{}\" is no size", text),
          {},
          {},
          {},
          {"write it like 200 MiB, 1.5 TB or 4096"}};
}

Error no_duration(std::string_view text) {
  return {Errc::invalid,
          fmt::format("\"{}\" is no duration", text),
          {},
          {},
          {},
          {"write it like 180 s, 3 min or 2 h"}};
}

}  // namespace

std::string format_size(std::uint64_t bytes) {
  if (bytes < kib) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> names = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t at = 0;
  for (; value >= 1023.5 && at + 1 < names.size(); ++at) value /= 1024;
  std::string number = value < 9.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
  if (number.ends_with(".0")) number.resize(number.size() - 2);
  return fmt::format("{} {}", number, names[at]);
}

std::string format_rate(double bytes_per_second) {
  if (!(bytes_per_second > 0)) return "0 B/s";
  constexpr double most = 9.2e18;  // fits into 64 bits
  return format_size(static_cast<std::uint64_t>(std::min(bytes_per_second, most))) + "/s";
}

std::string format_duration(std::chrono::nanoseconds time) {
  using namespace std::chrono;
  if (time < nanoseconds::zero()) return "0 s";
  if (time > nanoseconds::zero() && time < seconds(1)) {
    return fmt::format("{} ms",
                       std::max<std::int64_t>(1, duration_cast<milliseconds>(time).count()));
  }
  const std::int64_t all = duration_cast<seconds>(time).count();
  if (all < 100) return fmt::format("{} s", all);
  const std::int64_t minutes = all / 60 + (all % 60 >= 30 ? 1 : 0);
  if (minutes < 60) return fmt::format("{} min", minutes);
  const auto two = [](std::int64_t big, std::string_view unit, std::int64_t small,
                      std::string_view small_unit) {
    if (small == 0) return fmt::format("{} {}", big, unit);
    return fmt::format("{} {} {} {}", big, unit, small, small_unit);
  };
  if (minutes < 48 * 60) return two(minutes / 60, "h", minutes % 60, "min");
  return two(minutes / 1440, "d", minutes % 1440 / 60, "h");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  skip_spaces(rest);
  const auto number = take_number(rest);
  if (!number) return no_size(text);
  skip_spaces(rest);
  const std::string_view word = take_word(rest);
  if (rest.starts_with("/s")) rest.remove_prefix(2);
  skip_spaces(rest);
  if (!rest.empty()) return no_size(text);
  for (const SizeUnit& unit : size_units) {
    if (unit.name != word) continue;
    const auto bytes = times(*number, unit.bytes);
    if (!bytes || (unit.bytes == 1 && number->fraction > 0)) return no_size(text);
    return *bytes;
  }
  return no_size(text);
}

std::optional<std::chrono::sys_seconds> parse_utc(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00Z";
  if (text.size() != form.size()) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const std::chrono::hours hours{number(11, 2)};
  const std::chrono::minutes minutes{number(14, 2)};
  const std::chrono::seconds seconds{number(17, 2)};
  // A minute may have a leap second.
  if (!day.ok() || hours.count() > 23 || minutes.count() > 59 || seconds.count() > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + hours + minutes + seconds;
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();  // 68 years
  std::string_view rest = text;
  std::uint64_t total = 0;
  bool more = false;
  for (skip_spaces(rest); !rest.empty() || !more; skip_spaces(rest)) {
    const auto number = take_number(rest);
    if (!number) return no_duration(text);
    skip_spaces(rest);
    const std::string_view word = take_word(rest);
    // Only a lone number may go without its unit.
    if (word.empty() && (more || !rest.empty())) return no_duration(text);
    const auto unit = std::find_if(time_units.begin(), time_units.end(),
                                   [&](const TimeUnit& one) { return one.name == word; });
    if (unit == time_units.end()) return no_duration(text);
    const auto seconds = times(*number, unit->seconds);
    if (!seconds || *seconds > most - total) return no_duration(text);
    total += *seconds;
    more = true;
  }
  return std::chrono::seconds(total);
}

namespace {

// Letters added, left out, replaced, or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = word.size() / 3 + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace flyt
