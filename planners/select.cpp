#include "planners/select.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/units.hpp"

namespace flyt {
namespace {

constexpr std::string_view tag_word = "tag=";

bool ordinary(const Machine& machine) {
  return !machine.is_template && machine.migration_id.empty();
}

bool is_pattern(std::string_view word) {
  return word.find_first_of("*?") != std::string_view::npos;
}

bool selects(std::string_view word, const Machine& machine) {
  if (machine.name == word) return true;
  if (word.starts_with(tag_word)) {
    const std::string_view tag = word.substr(tag_word.size());
    return ordinary(machine) && std::any_of(machine.tags.begin(), machine.tags.end(),
                                            [&](const auto& one) { return matches(tag, one); });
  }
  return is_pattern(word) && ordinary(machine) && matches(word, machine.name);
}

// What may be said after the word's own beginning.
std::vector<std::string_view> known_to(const Inventory& inventory, std::string_view begin) {
  std::vector<std::string_view> known;
  for (const Machine& machine : inventory.machines) {
    if (begin.empty()) known.push_back(machine.name);
    if (begin == tag_word) known.insert(known.end(), machine.tags.begin(), machine.tags.end());
  }
  for (const Volume& volume : inventory.volumes) {
    if (begin == volume_word) known.push_back(volume.name);
  }
  std::sort(known.begin(), known.end());
  return known;
}

Error nothing_matches(const Inventory& inventory, const std::string& word) {
  std::string_view begin;
  for (const std::string_view one : {tag_word, volume_word}) {
    if (word.starts_with(one)) begin = one;
  }
  const std::string_view near =
      nearest(std::string_view(word).substr(begin.size()), known_to(inventory, begin));
  Error error{
      .code = Errc::invalid,
      .what = fmt::format("nothing on {} matches \"{}\"", inventory.endpoint, word),
      .seen = begin == volume_word
                  ? fmt::format("{} volumes without a machine there", inventory.volumes.size())
                  : fmt::format("{} machines there", inventory.machines.size())};
  if (!near.empty()) error.remedy.push_back(fmt::format("did you mean {}{}?", begin, near));
  error.remedy.emplace_back("flyt inventory");
  return error;
}

template <typename Thing>
std::vector<const Thing*> by_name(const std::set<const Thing*>& found) {
  std::vector<const Thing*> sorted(found.begin(), found.end());
  std::sort(sorted.begin(), sorted.end(), [](const Thing* a, const Thing* b) {
    return a->name != b->name ? a->name < b->name : a->id < b->id;
  });
  return sorted;
}

Selection at_commas(std::string_view text) {
  Selection parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    parts.emplace_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

}  // namespace

Status check_words(std::string_view text) {
  for (const std::string& word : at_commas(text)) {
    if (!word.empty() && word.find_first_not_of(" \t") != std::string::npos) continue;
    return Error{.code = Errc::invalid,
                 .what = fmt::format("--select \"{}\": a word is empty", text),
                 .state = "nothing was done",
                 .remedy = {"name machines: --select web01,db01",
                            "or leave --select out: all machines are meant then"}};
  }
  return ok();
}

Selection split_words(const Inventory& inventory, std::string_view text) {
  std::set<std::string, std::less<>> names;
  for (const Machine& machine : inventory.machines) names.insert(machine.name);
  const Selection parts = at_commas(text);
  Selection words;
  for (std::size_t first = 0; first < parts.size();) {
    std::string joined = parts[first], found = joined;
    std::size_t next = first + 1;
    bool all_names = names.contains(joined);
    for (std::size_t last = first + 1; last < parts.size(); ++last) {
      joined += ',' + parts[last];
      all_names = all_names && names.contains(parts[last]);
      if (all_names || !names.contains(joined)) continue;
      found = joined;
      next = last + 1;
    }
    words.push_back(std::move(found));
    first = next;
  }
  return words;
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<std::vector<const Machine*>> select(const Inventory& inventory, const Selection& words) {
  std::set<const Machine*> found;
  for (const std::string& word : words) {
    if (word.starts_with(volume_word)) continue;
    bool any = false;
    for (const Machine& machine : inventory.machines) {
      if (!selects(word, machine)) continue;
      any = true;
      found.insert(&machine);
    }
    if (!any) return nothing_matches(inventory, word);
  }
  if (words.empty()) {
    for (const Machine& machine : inventory.machines) {
      if (ordinary(machine)) found.insert(&machine);
    }
  }
  return by_name(found);
}

Result<std::vector<const Volume*>> select_volumes(const Inventory& inventory,
                                                  const Selection& words) {
  std::set<const Volume*> found;
  for (const std::string& word : words) {
    if (!word.starts_with(volume_word)) continue;
    const std::string_view pattern = std::string_view(word).substr(volume_word.size());
    bool any = false;
    for (const Volume& volume : inventory.volumes) {
      const bool meant =
          volume.name == pattern ||
          (is_pattern(pattern) && matches(pattern, volume.name) && volume.migration_id.empty());
      if (!meant) continue;
      any = true;
      found.insert(&volume);
    }
    if (!any) return nothing_matches(inventory, word);
  }
  return by_name(found);
}

}  // namespace flyt
