#include "drivers/rvtools/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/shared/utf8.hpp"

namespace flyt::rvtools {
namespace {

constexpr std::uint32_t unknown_character = 0xfffd;
// What Windows-1252 has where Latin-1 has control characters; 0: nothing.
constexpr std::array<std::uint16_t, 32> windows_1252{
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

void append(std::string& to, std::uint32_t character) {
  const auto tail = [&](unsigned shift) {
    to += static_cast<char>(0x80U | (character >> shift & 0x3fU));
  };
  if (character < 0x80) {
    to += static_cast<char>(character);
  } else if (character < 0x800) {
    to += static_cast<char>(0xc0U | character >> 6U);
    tail(0);
  } else if (character < 0x10000) {
    to += static_cast<char>(0xe0U | character >> 12U);
    tail(6);
    tail(0);
  } else {
    to += static_cast<char>(0xf0U | character >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<std::uint32_t>(big_endian ? first << 8U | second : second << 8U | first);
  };
  std::string out;
  out.reserve(bytes.size() / 2);
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t character = unit(at);
    const bool high = character >= 0xd800 && character < 0xdc00;
    if (high && at + 3 < bytes.size() && unit(at + 2) >= 0xdc00 && unit(at + 2) < 0xe000) {
      character = 0x10000 + ((character - 0xd800) << 10U) + (unit(at + 2) - 0xdc00);
      at += 2;
    } else if (character >= 0xd800 && character < 0xe000) {
      character = unknown_character;
    }
    append(out, character);
  }
  return out;
}

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte >= 0x80 && byte < 0xa0;
    const std::uint32_t character = special ? windows_1252[byte - 0x80U] : byte;
    append(out, character == 0 && special ? unknown_character : character);
  }
  return out;
}

// Of texts that are mostly Latin letters: the place of the bytes that are 0.
bool has_zero_at(std::string_view bytes, std::size_t odd) {
  if (bytes.size() < 4) return false;
  for (std::size_t at = odd; at < std::min<std::size_t>(bytes.size(), 16); at += 2) {
    if (bytes[at] != '\0') return false;
  }
  return true;
}

std::string decode(std::string bytes) {
  const std::string_view text = bytes;
  if (text.starts_with("\xff\xfe")) return from_utf16(text.substr(2), false);
  if (text.starts_with("\xfe\xff")) return from_utf16(text.substr(2), true);
  if (has_zero_at(text, 1)) return from_utf16(text, false);
  if (has_zero_at(text, 0)) return from_utf16(text, true);
  if (text.starts_with("\xef\xbb\xbf")) return bytes.erase(0, 3);
  if (is_clean_utf8(text, true)) return bytes;
  // Control characters say nothing about the encoding.
  std::string visible = bytes;
  std::erase_if(visible, [](char c) { return c >= 0 && c < 0x20; });
  return is_clean_utf8(visible) ? bytes : from_windows_1252(text);
}

}  // namespace

std::string to_utf8(std::string bytes) {
  std::string text = decode(std::move(bytes));
  return is_clean_utf8(text, true) ? text : clean_utf8(text, true);
}

}  // namespace flyt::rvtools
