// Reads JSON documents, and the members of an object into variables; the first that is wrong is the
// error.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace flyt {

// `what` begins errors: "the inventory". A member that stands twice in an object is Errc::invalid:
// of two readers each may believe another one.
Result<nlohmann::json> parse_document(std::string_view text, std::string_view what);

// A member that is absent or null leaves its variable as it is. `path` names the object in errors:
// "machines[3].disks[0]".
class JsonMembers {
 public:
  JsonMembers(const nlohmann::json& object, std::string path)
      : object_(object), path_(std::move(path)) {
    if (!object.is_object()) fail("", "an object");
  }

  void read(const char* name, std::string& to) {
    if (const auto* found = find(name)) {
      if (!found->is_string()) return fail(name, "a text");
      to = found->get_ref<const std::string&>();
    }
  }
  void read(const char* name, bool& to) {
    if (const auto* found = find(name)) {
      if (!found->is_boolean()) return fail(name, "true or false");
      to = found->get<bool>();
    }
  }
  template <std::unsigned_integral T>
  void read(const char* name, T& to) {
    if (const auto* found = find(name)) {
      // A number that was not parsed but put there may be signed.
      const bool whole =
          found->is_number_unsigned() || (found->is_number_integer() && found->get<int64_t>() >= 0);
      if (!whole || found->get<std::uint64_t>() > std::numeric_limits<T>::max()) {
        return fail(name, "a whole number in range");
      }
      to = found->get<T>();
    }
  }
  template <typename T>
  void read(const char* name, std::optional<T>& to) {
    if (find(name) == nullptr) return;
    T value{};
    read(name, value);
    to = std::move(value);
  }
  void read(const char* name, std::vector<std::string>& to) {
    read_list(name, to, [](const nlohmann::json& one, const std::string& path) {
      if (one.is_string()) return Result<std::string>(one.get_ref<const std::string&>());
      return Result<std::string>(wrong(path, "a text"));
    });
  }
  // `from` makes the value of the word; nothing: it knows no such word.
  template <typename T, typename From>
  void read_word(const char* name, T& to, From from) {
    std::string word;
    read(name, word);
    if (find(name) == nullptr || !status_) return;
    if (std::optional<T> value = from(word)) {
      to = *value;
    } else {
      fail(name, "a known word");
    }
  }
  // `one_from` takes (json, path) and returns a Result<T>.
  template <typename T, typename From>
  void read_list(const char* name, std::vector<T>& to, From one_from) {
    const auto* found = find(name);
    if (found == nullptr) return;
    if (!found->is_array()) return fail(name, "a list");
    to.clear();
    for (const nlohmann::json& one : *found) {
      auto value = one_from(one, path_of(name) + "[" + std::to_string(to.size()) + "]");
      if (!value) return fail(std::move(value).error());
      to.push_back(*std::move(value));
    }
  }
  template <typename T, typename From>
  void read_object(const char* name, T& to, From from) {
    const auto* found = find(name);
    if (found == nullptr) return;
    auto value = from(*found, path_of(name));
    if (!value) return fail(std::move(value).error());
    to = *std::move(value);
  }

  Status status() && { return std::move(status_); }
  template <typename T>
  Result<T> give(T value) && {
    if (!status_) return std::move(status_.error());
    return value;
  }

 private:
  static Error wrong(const std::string& path, std::string_view wanted) {
    return {Errc::invalid,
            (path.empty() ? "the document" : path) + ": must be " + std::string(wanted)};
  }
  const nlohmann::json* find(const char* name) const {
    if (!status_) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string path_of(std::string_view name) const {
    return path_.empty() || name.empty() ? path_ + std::string(name)
                                         : path_ + "." + std::string(name);
  }
  void fail(std::string_view name, std::string_view wanted) { fail(wrong(path_of(name), wanted)); }
  void fail(Error error) {
    if (status_) status_ = std::move(error);
  }

  const nlohmann::json& object_;
  std::string path_;
  Status status_;
};

}  // namespace flyt
