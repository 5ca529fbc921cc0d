#include "plans/canonical_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace flyt {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;
constexpr int deepest = 64;

// Text with any byte that is not UTF-8 replaced: never throws.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

unsigned lead_of(unsigned char byte) {
  if (byte < 0x80) return byte;
  if (byte < 0xe0) return byte & 0x1fU;
  return byte < 0xf0 ? byte & 0x0fU : byte & 0x07U;
}

// RFC 8785 section 3.2.3 sorts by UTF-16 code units, which is not the order of UTF-8 bytes.
std::u16string units_of(const std::string& text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    char32_t point = lead_of(static_cast<unsigned char>(text[i++]));
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U) {
      point = (point << 6U) | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    }
    if (point < 0x10000) {
      units.push_back(static_cast<char16_t>(point));
    } else {
      units.push_back(static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10U)));
      units.push_back(static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ffU)));
    }
  }
  return units;
}

Status append(const Json& json, std::string& to, int depth);

Status append_object(const Json& json, std::string& to, int depth) {
  std::vector<std::pair<std::u16string, const std::string*>> names;
  for (const auto& item : json.items()) names.emplace_back(units_of(item.key()), &item.key());
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  to += '{';
  for (const auto& name : names) {
    if (&name != &names.front()) to += ',';
    to += quoted(*name.second) + ':';
    FLYT_TRY(append(json.at(*name.second), to, depth + 1));
  }
  to += '}';
  return ok();
}

Status append_list(const Json& json, std::string& to, int depth) {
  to += '[';
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (i > 0) to += ',';
    FLYT_TRY(append(json[i], to, depth + 1));
  }
  to += ']';
  return ok();
}

bool is_exact(const Json& json) {
  if (json.is_number_unsigned()) {
    return json.get<std::uint64_t>() <= static_cast<std::uint64_t>(largest);
  }
  const auto value = json.get<std::int64_t>();
  return value >= -largest && value <= largest;
}

Status append(const Json& json, std::string& to, int depth) {
  if (depth > deepest) return Error{Errc::invalid, "JSON is nested too deeply"};
  if (json.is_object()) return append_object(json, to, depth);
  if (json.is_array()) return append_list(json, to, depth);
  if (json.is_string()) {
    to += quoted(json.get_ref<const std::string&>());
  } else if (json.is_number()) {
    if (!json.is_number_integer() || !is_exact(json)) {
      return Error{.code = Errc::invalid,
                   .what = "a number that is not whole or beyond 2^53 - 1",
                   .seen = json.dump()};
    }
    to += json.dump();
  } else if (json.is_boolean() || json.is_null()) {
    to += json.dump();
  } else {
    return Error{Errc::invalid, "a value that JSON does not have"};
  }
  return ok();
}

}  // namespace

Result<std::string> canonical_text(const Json& json) {
  std::string text;
  FLYT_TRY(append(json, text, 0));
  return text;
}

}  // namespace flyt
