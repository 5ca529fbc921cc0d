#include "drivers/proxmox/property_string.hpp"

#include <algorithm>

namespace flyt::proxmox {

std::vector<std::string> words_of(std::string_view text, std::string_view separators) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = text.find_first_of(separators);
    if (end != 0) words.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return words;
}

PropertyString::PropertyString(std::string_view text, std::string_view unnamed)
    : unnamed_(unnamed) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (item.empty()) continue;
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) {
      items_.emplace_back(unnamed, item);
    } else {
      items_.emplace_back(item.substr(0, equals), item.substr(equals + 1));
    }
  }
}

std::string PropertyString::get(std::string_view name) const {
  const auto found = std::find_if(items_.begin(), items_.end(),
                                  [&](const auto& item) { return item.first == name; });
  return found == items_.end() ? std::string() : found->second;
}

void PropertyString::set(std::string_view name, std::string value) {
  const auto found = std::find_if(items_.begin(), items_.end(),
                                  [&](const auto& item) { return item.first == name; });
  if (found != items_.end()) {
    found->second = std::move(value);
  } else {
    items_.emplace_back(name, std::move(value));
  }
}

void PropertyString::erase(std::string_view name) {
  items_.erase(std::remove_if(items_.begin(), items_.end(),
                              [&](const auto& item) { return item.first == name; }),
               items_.end());
}

std::string PropertyString::text() const {
  std::string text = get(unnamed_);
  for (const auto& [name, value] : items_) {
    if (name == unnamed_) continue;
    if (!text.empty()) text += ',';
    text += name;
    text += '=';
    text += value;
  }
  return text;
}

}  // namespace flyt::proxmox
