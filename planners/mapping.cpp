#include "planners/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/units.hpp"

namespace flyt {
namespace {

// A basic TOML string.
std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04X}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

template <typename Target>
using Table = std::map<std::string, Target>;

// The entry for `source`: a name in either table before a "*" in either, the target's own first.
template <typename Target>
const Target* look_up(const Site& site, const std::string& endpoint, const std::string& source,
                      Table<Target> Mapping::*table) {
  for (const std::string& key : {source, std::string("*")}) {
    for (const std::string& scope : {endpoint, std::string()}) {
      const auto mapping = site.mappings.find(scope);
      if (mapping == site.mappings.end()) continue;
      const auto& entries = mapping->second.*table;
      if (const auto found = entries.find(key); found != entries.end()) return &found->second;
    }
  }
  return nullptr;
}

// What to propose: the only one, the nearest name, or the first.
template <typename Thing>
std::string proposal(const std::vector<Thing>& there, std::string_view source) {
  if (there.empty()) return "NAME";
  std::vector<std::string_view> names;
  names.reserve(there.size());
  for (const Thing& one : there) names.push_back(one.name);
  const std::string_view near = nearest(source, names);
  return std::string(near.empty() ? names.front() : near);
}

std::string key_for(std::string_view source) {
  return source.empty() ? toml_text("*") : toml_text(source);
}

template <typename Thing>
const Thing* find_named(const std::vector<Thing>& there, std::string_view name) {
  const auto found =
      std::find_if(there.begin(), there.end(), [&](const Thing& one) { return one.name == name; });
  return found == there.end() ? nullptr : &*found;
}

}  // namespace

const Network* find_network(const Inventory& target, std::string_view name) {
  return find_named(target.networks, name);
}

const Storage* find_storage(const Inventory& target, std::string_view name) {
  return find_named(target.storages, name);
}

Mapped<NetworkTarget> map_network(const Site& site, const Inventory& target,
                                  std::string_view source) {
  Mapped<NetworkTarget> mapped;
  mapped.line = fmt::format("[map.networks]  {} = {{ network = {} }}", key_for(source),
                            toml_text(proposal(target.networks, source)));
  if (const auto* entry = look_up(site, target.endpoint, std::string(source), &Mapping::networks)) {
    mapped.to = *entry;
    mapped.why = "mapped by the site";
  } else if (!source.empty() && find_network(target, source) != nullptr) {
    mapped.to = NetworkTarget{std::string(source), {}};
    mapped.why = "the same name";
  }
  mapped.exists = mapped.to && find_network(target, mapped.to->network) != nullptr;
  return mapped;
}

namespace {

using Storages = std::vector<Storage>;

template <typename Fits>
Storages those(const Inventory& target, Fits fits) {
  Storages found;
  std::copy_if(target.storages.begin(), target.storages.end(), std::back_inserter(found), fits);
  return found;
}

Mapped<std::string> map_to(const Site& site, const std::string& endpoint, const Storages& there,
                           std::string_view source) {
  Mapped<std::string> mapped;
  mapped.line =
      fmt::format("[map.storages]  {} = {}", key_for(source), toml_text(proposal(there, source)));
  if (const auto* entry = look_up(site, endpoint, std::string(source), &Mapping::storages)) {
    mapped.to = *entry;
    mapped.why = "mapped by the site";
  } else if (!source.empty() && find_named(there, source) != nullptr) {
    mapped.to = std::string(source);
    mapped.why = "the same name";
  } else if (there.size() == 1) {
    mapped.to = there.front().name;
    mapped.why = "the only storage";
  }
  mapped.exists = mapped.to && find_named(there, *mapped.to) != nullptr;
  return mapped;
}

bool is_named(const Site& site, const std::string& endpoint, const std::string& source) {
  return std::any_of(site.mappings.begin(), site.mappings.end(), [&](const auto& one) {
    return (one.first.empty() || one.first == endpoint) && one.second.storages.contains(source);
  });
}

}  // namespace

Mapped<std::string> map_storage(const Site& site, const Inventory& target,
                                std::string_view source) {
  const auto there = those(target, [](const Storage& one) { return one.takes_machines(); });
  return map_to(site, target.endpoint, there, source);
}

Mapped<std::string> map_volume(const Site& site, const Inventory& target, std::string_view source,
                               std::string_view kind) {
  const auto there = those(target, [kind](const Storage& one) { return one.takes(kind); });
  auto mapped = map_to(site, target.endpoint, there, source);
  if (mapped.exists || there.empty() || is_named(site, target.endpoint, std::string(source))) {
    return mapped;
  }
  const Storage* same = find_named(there, source);
  if (same == nullptr && there.size() > 1) return mapped;
  mapped.to = (same == nullptr ? there.front() : *same).name;
  mapped.exists = true;
  mapped.why = same == nullptr ? fmt::format("the only storage for {}", kind) : "the same name";
  return mapped;
}

}  // namespace flyt
