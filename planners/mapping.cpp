#include "planners/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
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

Mapped<std::string> map_storage(const Site& site, const Inventory& target,
                                std::string_view source) {
  Mapped<std::string> mapped;
  mapped.line = fmt::format("[map.storages]  {} = {}", key_for(source),
                            toml_text(proposal(target.storages, source)));
  if (const auto* entry = look_up(site, target.endpoint, std::string(source), &Mapping::storages)) {
    mapped.to = *entry;
    mapped.why = "mapped by the site";
  } else if (!source.empty() && find_storage(target, source) != nullptr) {
    mapped.to = std::string(source);
    mapped.why = "the same name";
  } else if (target.storages.size() == 1) {
    mapped.to = target.storages.front().name;
    mapped.why = "the only storage";
  }
  mapped.exists = mapped.to && find_storage(target, *mapped.to) != nullptr;
  return mapped;
}

}  // namespace flyt
