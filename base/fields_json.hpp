// Nouns whose members are listed once, for reading and for writing.
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

#include "base/members_json.hpp"

namespace flyt {

// Specialised for a noun: `static void visit(auto& io, auto& noun)` names its members to `io`, a
// FieldReader or a FieldWriter, by io("name", noun.name). What is specialised before its use may
// be a member itself, and so may a list of it; io.lenient() takes one whose words are not strict.
template <typename T>
struct Fields;

template <typename T>
concept HasFields = requires {
  Fields<T>{};
};

// A word that is not known reads as the value `unknown`, or is an error.
enum class Words : std::uint8_t { lenient, strict };

template <typename T>
nlohmann::json fields_json(const T& noun);
// `path` as for JsonMembers.
template <typename T>
Result<T> fields_from(const nlohmann::json& json, const std::string& path, Words words);

class FieldWriter {
 public:
  // Unknown is written as null: a reader sees that it was asked for.
  template <typename T>
  void operator()(const char* name, const std::optional<T>& value) {
    out_[name] = value ? nlohmann::json(*value) : nlohmann::json();
  }
  template <typename T>
  void operator()(const char* name, const T& value) {
    if constexpr (HasFields<T>) {
      out_[name] = fields_json(value);
    } else {
      out_[name] = value;
    }
  }
  template <HasFields T>
  void operator()(const char* name, const std::vector<T>& values) {
    nlohmann::json& list = out_[name] = nlohmann::json::array();
    for (const T& value : values) list.push_back(fields_json(value));
  }
  void operator()(const char* name, std::chrono::seconds value) { out_[name] = value.count(); }
  // For what nouns did not have at first: a plan that was written without stays byte for byte what
  // it is. Left out: an empty text, list or noun, and what is unknown.
  template <typename T>
  void unless_empty(const char* name, const T& value) {
    (*this)(name, value);
    const nlohmann::json& written = out_[name];
    if (written.empty() || written == "") out_.erase(name);
  }
  void unless_false(const char* name, bool value) {
    if (value) out_[name] = value;
  }
  template <typename T>
  void unless_unknown(const char* name, T value, T (*)(std::string_view) noexcept) {
    if (value != T::unknown) out_[name] = to_string(value);
  }
  template <typename T>
  void word(const char* name, T value, T (*)(std::string_view) noexcept) {
    out_[name] = to_string(value);
  }
  template <typename T, std::size_t N>
  void one_of(const char* name, T value, const std::array<T, N>&) {
    out_[name] = to_string(value);
  }
  void lenient(const char* name, const auto& noun) { (*this)(name, noun); }

  nlohmann::json take() && { return std::move(out_); }

 private:
  nlohmann::json out_ = nlohmann::json::object();
};

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
nlohmann::json fields_json(const T& noun) {
  FieldWriter out;
  Fields<T>::visit(out, noun);
  return std::move(out).take();
}

template <typename T>
Result<T> fields_from(const nlohmann::json& json, const std::string& path, Words words) {
  FieldReader in(json, path, words);
  T noun;
  Fields<T>::visit(in, noun);
  FLYT_TRY(std::move(in).status());
  return noun;
}

}  // namespace flyt
