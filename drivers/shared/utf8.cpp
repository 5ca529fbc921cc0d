#include "drivers/shared/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace flyt {
namespace {

// How many bytes the character takes that `first` begins; 0: none begins so.
std::size_t length_of(unsigned char first) noexcept {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

bool is_wanted(std::uint32_t character, bool lines) noexcept {
  if (character == '\t' || character == '\n' || character == '\r') return lines;
  const bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return !control && !surrogate && character <= 0x10ffff;
}

// The bytes of the character that `text` begins with; 0: it is none, or may not stand there.
std::size_t wanted_length(std::string_view text, bool lines) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = length_of(first);
  if (length == 0 || length > text.size()) return 0;
  std::uint32_t character = length == 1 ? first : first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i != length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80U) return 0;
    character = character << 6U | (next & 0x3fU);
  }
  return character < smallest[length] || !is_wanted(character, lines) ? 0 : length;
}

}  // namespace

bool is_clean_utf8(std::string_view text, bool lines) noexcept {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  for (;;) {
    // Nearly all of what servers write.
    while (!text.empty() && is_plain(text.front())) text.remove_prefix(1);
    if (text.empty()) return true;
    const std::size_t length = wanted_length(text, lines);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

std::string clean_utf8(std::string_view text, bool lines) {
  constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
  std::string clean;
  while (!text.empty()) {
    std::size_t length = wanted_length(text, lines);
    if (length != 0) {
      clean += text.substr(0, length);
    } else {
      clean += replacement;
      length = 1;
      while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U) {
        ++length;
      }
    }
    text.remove_prefix(length);
  }
  return clean;
}

}  // namespace flyt
