// Reading nouns whose members are listed once.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields_writer_json.hpp"
#include "base/members_json.hpp"

namespace flyt {

// A word that is not known reads as the value `unknown`, or is an error.
enum class Words : std::uint8_t { lenient, strict };

// `path` as for JsonMembers.
template <typename T>
Result<T> fields_from(const nlohmann::json& json, const std::string& path, Words words);

class FieldReader {
 public:
  FieldReader(const nlohmann::json& object, std::string path, Words words)
      : in_(object, std::move(path)), words_(words) {}

  template <typename T>
  void operator()(const char* name, T& to) {
    if constexpr (HasFields<T>) {
      in_.read_object(name, to, from<T>(words_));
    } else {
      in_.read(name, to);
    }
  }
  template <HasFields T>
  void operator()(const char* name, std::vector<T>& to) {
    in_.read_list(name, to, from<T>(words_));
  }
  void operator()(const char* name, std::chrono::seconds& to) {
    auto count = static_cast<std::uint64_t>(to.count());
    in_.read(name, count);
    to = std::chrono::seconds(count);
  }
  void operator()(const char* name, int& to) {  // none that we write is negative
    auto number = static_cast<std::uint16_t>(to);
    in_.read(name, number);
    to = number;
  }
  template <typename T>
  void unless_empty(const char* name, T& to) {
    (*this)(name, to);
  }
  void unless_false(const char* name, bool& to) { (*this)(name, to); }
  template <typename T>
  void unless_zero(const char* name, T& to) {
    (*this)(name, to);
  }
  template <typename T>
  void unless_unknown(const char* name, T& to, T (*value_of)(std::string_view) noexcept) {
    word(name, to, value_of);
  }
  // Words that a platform may add to: `value_of` gives `unknown` for another one.
  template <typename T>
  void word(const char* name, T& to, T (*value_of)(std::string_view) noexcept) {
    in_.read_word(name, to, [&](const std::string& word) -> std::optional<T> {
      const T value = value_of(word);
      if (words_ == Words::strict && to_string(value) != word) return std::nullopt;
      return value;
    });
  }
  // No word but those of `all`, whatever the reader is told of words.
  template <typename T, std::size_t N>
  void one_of(const char* name, T& to, const std::array<T, N>& all) {
    in_.read_word(name, to, [&all](const std::string& word) {
      const auto is_it = [&word](T one) { return to_string(one) == word; };
      const auto found = std::find_if(all.begin(), all.end(), is_it);
      return found == all.end() ? std::nullopt : std::optional<T>(*found);
    });
  }
  template <HasFields T>
  void lenient(const char* name, T& to) {
    in_.read_object(name, to, from<T>(Words::lenient));
  }

  Status status() && { return std::move(in_).status(); }

 private:
  template <typename T>
  static auto from(Words words) {
    return [words](const nlohmann::json& json, const std::string& path) {
      return fields_from<T>(json, path, words);
    };
  }

  JsonMembers in_;
  Words words_;
};

template <typename T>
Result<T> fields_from(const nlohmann::json& json, const std::string& path, Words words) {
  FieldReader in(json, path, words);
  T noun;
  Fields<T>::visit(in, noun);
  FLYT_TRY(std::move(in).status());
  return noun;
}

}  // namespace flyt
