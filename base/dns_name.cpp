#include "base/dns_name.hpp"

#include <algorithm>
#include <array>

namespace flyt {
namespace {

constexpr std::size_t longest_label = 63, longest_name = 253;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// U+00C0 to U+00FF, which UTF-8 writes as C3 80 to C3 BF.
constexpr std::array<std::string_view, 64> latin{
    "A",  "A", "A", "A", "Ae", "Aa", "Ae", "C", "E",  "E", "E", "E", "I",  "I", "I",  "I",
    "Dh", "N", "O", "O", "O",  "O",  "Oe", "-", "Oe", "U", "U", "U", "Ue", "Y", "Th", "ss",
    "a",  "a", "a", "a", "ae", "aa", "ae", "c", "e",  "e", "e", "e", "i",  "i", "i",  "i",
    "dh", "n", "o", "o", "o",  "o",  "oe", "-", "oe", "u", "u", "u", "ue", "y", "th", "y"};

// In ASCII, '-' for all that has no letters of its own.
std::string plain(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      result += is_word(text[i]) || text[i] == '.' ? text[i] : '-';
    } else if (byte == 0xC3 && i + 1 < text.size() && (text[i + 1] & 0xC0) == 0x80) {
      result += latin.at(static_cast<unsigned char>(text[++i]) & 0x3F);
    } else if (byte >= 0xC0) {
      result += '-';
    }
  }
  return result;
}

}  // namespace

bool is_dns_name(std::string_view text) {
  if (text.size() > longest_name) return false;
  std::size_t from = 0;
  while (true) {
    const auto end = std::min(text.find('.', from), text.size());
    const std::string_view label = text.substr(from, end - from);
    if (label.empty() || label.size() > longest_label || !is_word(label.front()) ||
        !is_word(label.back())) {
      return false;
    }
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_word(c) || c == '-'; })) {
      return false;
    }
    if (end == text.size()) return true;
    from = end + 1;
  }
}

std::string dns_name_from(std::string_view text) {
  const std::string ascii = plain(text);
  std::string name, label;
  const auto end_label = [&] {
    label.resize(std::min(label.size(), longest_label));
    while (!label.empty() && label.back() == '-') label.pop_back();
    if (!label.empty() && name.size() + label.size() < longest_name) {
      name += (name.empty() ? "" : ".") + label;
    }
    label.clear();
  };
  for (const char c : ascii) {
    if (c == '.') {
      end_label();
    } else if (c != '-' || (!label.empty() && label.back() != '-')) {
      label += c;
    }
  }
  end_label();
  return name;
}

}  // namespace flyt
