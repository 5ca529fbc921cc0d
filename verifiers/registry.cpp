#include "verifiers/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/lower_case.hpp"

namespace flyt {
namespace {

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_case(x) == lower_case(y); });
}

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& one) { return same(one, word); });
}

struct Day {
  int year = 0, month = 1, day = 1;
};

// YYYY, YYYY-MM or YYYY-MM-DD; what is not said is the first.
std::optional<Day> parse_day(std::string_view text) {
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return std::nullopt;
  }
  const auto number = [&](std::size_t from, std::size_t length) {
    int value = 0;
    for (const char c : text.substr(from, length)) value = value * 10 + (c - '0');
    return value;
  };
  Day day{number(0, 4), 1, 1};
  if (text.size() >= 7) day.month = number(5, 2);
  if (text.size() == 10) day.day = number(8, 2);
  if (day.month < 1 || day.month > 12 || day.day < 1 || day.day > 31) return std::nullopt;
  return day;
}

bool later(const Day& a, const Day& b) {
  return std::tie(a.year, a.month, a.day) > std::tie(b.year, b.month, b.day);
}

// Whole months from `from` to `to`, and whether some days are left over.
struct Age {
  int months = 0;
  bool and_days = false;
};

Age age(const Day& from, const Day& to) {
  Age result{(to.year - from.year) * 12 + to.month - from.month, to.day > from.day};
  if (to.day < from.day) {
    result.months -= 1;
    result.and_days = true;
  }
  return result;
}

}  // namespace

bool RegistryProvider::has_zones() const {
  return std::any_of(regions.begin(), regions.end(),
                     [](const RegistryRegion& one) { return !one.parent_region.empty(); });
}

const RegistryProvider* ProviderRegistry::provider(std::string_view id) const {
  const auto found = std::find_if(providers_.begin(), providers_.end(),
                                  [&](const RegistryProvider& one) { return same(one.id, id); });
  return found == providers_.end() ? nullptr : &*found;
}

const RegistrySource* ProviderRegistry::source(std::string_view id) const {
  const auto found = std::find_if(sources_.begin(), sources_.end(),
                                  [&](const RegistrySource& one) { return one.id == id; });
  return found == sources_.end() ? nullptr : &*found;
}

const RegistryRegion* ProviderRegistry::region(const RegistryProvider& provider,
                                               std::string_view id) {
  if (id.empty()) return nullptr;
  for (const RegistryRegion& one : provider.regions) {
    if (same(one.id, id)) return &one;
  }
  for (const RegistryRegion& one : provider.regions) {
    if (holds(one.aliases, id)) return &one;
  }
  for (const RegistryRegion& one : provider.regions) {
    if (same(one.site, id)) return &one;
  }
  return nullptr;
}

bool ProviderRegistry::allows(const std::vector<std::string>& allowed,
                              std::string_view jurisdiction) const {
  if (holds(allowed, jurisdiction)) return true;
  const bool in_eu = same(jurisdiction, "EU") || holds(eu_, jurisdiction);
  const bool in_eea = in_eu || holds(eea_non_eu_, jurisdiction);
  return (in_eu && holds(allowed, "EU")) || (in_eea && holds(allowed, "EEA"));
}

std::string ProviderRegistry::undecided(const Provenance& from, unsigned months,
                                        std::string_view today) {
  if (from.confidence == Confidence::unverified) {
    return "the registry has it from general knowledge only";
  }
  const auto then = parse_day(from.as_of);
  const auto now = parse_day(today);
  if (!then || !now || today.size() != 10) {
    return fmt::format("its age is not known (as of \"{}\", today \"{}\")", from.as_of, today);
  }
  if (later(*then, *now)) {
    return fmt::format("the fact is dated in the future (as of {}, today {}): is the clock right?",
                       from.as_of, today);
  }
  const Age old = age(*then, *now);
  const int limit = static_cast<int>(months);
  if (old.months > limit || (old.months == limit && old.and_days)) {
    return fmt::format("the fact is {} months old (as of {}), more than {}", old.months, from.as_of,
                       months);
  }
  return {};
}

std::string ProviderRegistry::unsupported(const Provenance& from) const {
  bool undated = false;
  for (const std::string& id : from.sources) {
    const RegistrySource* known = source(id);
    if (known == nullptr || known->memory) continue;
    if (!known->undated && !known->no_address) return {};
    undated = undated || known->undated;
  }
  return undated ? "its sources carry no date or no public address"
                 : "none of its sources has a public address";
}

std::string ProviderRegistry::cite(const Provenance& from) const {
  std::string text = fmt::format("as of {}, {}", from.as_of, to_string(from.confidence));
  for (std::size_t i = 0; i < from.sources.size(); ++i) {
    const RegistrySource* known = source(from.sources[i]);
    text += i == 0 ? "; sources: " : "; ";
    if (known == nullptr) {
      text += from.sources[i];
      continue;
    }
    text +=
        fmt::format("{} ({}{})", known->title, known->undated ? "undated, read " : "", known->date);
  }
  return text;
}

std::string_view to_string(Confidence confidence) noexcept {
  switch (confidence) {
    case Confidence::unverified:
      return "unverified";
    case Confidence::secondary:
      return "secondary";
    case Confidence::partial:
      return "partial";
    case Confidence::verified:
      return "verified";
  }
  return "unverified";
}

}  // namespace flyt
