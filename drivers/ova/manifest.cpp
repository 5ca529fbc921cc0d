#include "drivers/ova/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>
#include <utility>

#include "base/lower_case.hpp"
#include "drivers/shared/utf8.hpp"

namespace flyt::ova {
namespace {

struct Algorithm {
  std::string_view name;
  std::size_t digits;
  std::optional<HashKind> kind;
};
constexpr Algorithm algorithms[] = {
    {"SHA1", 40, HashKind::sha1},
    {"SHA256", 64, HashKind::sha256},
    {"SHA384", 96, std::nullopt},
    {"SHA512", 128, std::nullopt},
};

constexpr std::size_t most_entries = 10'000;  // as members of an archive

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

const Algorithm* algorithm_of(std::string_view word) {
  std::string upper;
  for (const char c : word) {
    if (c != '-') upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  const auto* found = std::find_if(std::begin(algorithms), std::end(algorithms),
                                   [&upper](const Algorithm& a) { return a.name == upper; });
  return found == std::end(algorithms) ? nullptr : found;
}

std::optional<std::string> hexadecimal(std::string_view text, std::size_t digits) {
  std::string lower;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    lower += lower_case(c);
  }
  return lower.size() == digits ? std::optional(lower) : std::nullopt;
}

// Names may hold parentheses: the first opens, the last one before the '=' of the digest closes.
std::optional<ManifestEntry> parse_line(std::string_view line) {
  const auto open = line.find('(');
  const auto equals = line.rfind('=');
  if (open == std::string_view::npos || equals == std::string_view::npos || equals < open) {
    return std::nullopt;
  }
  const std::string_view left = trim(line.substr(0, equals));
  if (left.size() < open + 3 || left.back() != ')') return std::nullopt;
  const std::string_view file = left.substr(open + 1, left.size() - open - 2);
  const Algorithm* algorithm = algorithm_of(trim(line.substr(0, open)));
  if (algorithm == nullptr || !is_clean_utf8(file)) return std::nullopt;
  const auto digest = hexadecimal(trim(line.substr(equals + 1)), algorithm->digits);
  if (!digest) return std::nullopt;
  return ManifestEntry{std::string(algorithm->name), algorithm->kind, std::string(file), *digest};
}

}  // namespace

Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text) {
  std::vector<ManifestEntry> entries;
  std::set<std::string> names;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    auto entry = parse_line(line);
    if (!entry) {
      return Error{Errc::corrupt, fmt::format("line {} is no line of a manifest", number)};
    }
    if (entries.size() == most_entries) {
      return Error{Errc::invalid, fmt::format("it lists more than {} files", most_entries)};
    }
    if (!names.insert(entry->file).second) {
      return Error{Errc::corrupt, fmt::format("line {}: {} is there twice", number, entry->file)};
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

const ManifestEntry* find_entry(const std::vector<ManifestEntry>& entries, std::string_view file) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [file](const ManifestEntry& e) { return e.file == file; });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace flyt::ova
