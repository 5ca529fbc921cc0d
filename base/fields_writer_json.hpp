// Nouns whose members are listed once, for reading and for writing; and the writing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

template <typename T>
nlohmann::json fields_json(const T& noun);

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
    const bool no_text = written.is_string() && written.get_ref<const std::string&>().empty();
    if (written.empty() || no_text) out_.erase(name);
  }
  void unless_false(const char* name, bool value) {
    if (value) out_[name] = value;
  }
  template <typename T>
  void unless_zero(const char* name, const T& value) {
    if (value != T{}) (*this)(name, value);
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

template <typename T>
nlohmann::json fields_json(const T& noun) {
  FieldWriter out;
  Fields<T>::visit(out, noun);
  return std::move(out).take();
}

}  // namespace flyt
