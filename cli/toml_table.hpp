// TOML as the site file needs it: keys with types, and every error with its line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::cli {

// One table of a document, which it keeps alive. A key that is absent is an empty answer; one of
// another type is Errc::invalid, with file, line and what was expected.
class TomlTable {
 public:
  enum class Kind : std::uint8_t { absent, text, integer, boolean, table, array, other };

  // `file` is only used in errors. Errc::invalid for what is not TOML. Never throws.
  static Result<TomlTable> parse(std::string_view text, std::string_view file);

  const std::string& path() const noexcept { return path_; }  // "endpoints.pve"; "": the document
  std::vector<std::string> keys() const;                      // sorted
  Kind kind(std::string_view key) const;

  Result<std::optional<std::string>> text(std::string_view key) const;
  Result<std::optional<std::int64_t>> integer(std::string_view key) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  Result<std::optional<TomlTable>> table(std::string_view key) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;  // an array of texts
  Result<std::vector<TomlTable>> tables(std::string_view key) const;   // an array of tables

  // Errc::invalid for the first key that is not in `known`; the nearest known one is the remedy.
  Status only(const std::vector<std::string_view>& known) const;
  // An Errc::invalid error about `key` (empty: about the table), with file and line in front.
  // `example`: a right value of the key as TOML, from which the remedy is made; empty: none is.
  Error wrong(std::string_view key, std::string_view what, std::string_view example = {}) const;

 private:
  struct Document;
  TomlTable(std::shared_ptr<const Document> document, const void* node, std::string path)
      : document_(std::move(document)), node_(node), path_(std::move(path)) {}
  struct Expected {
    std::string_view type, example;
  };
  Error expected(std::string_view key, const Expected& what) const;

  std::shared_ptr<const Document> document_;
  const void* node_;
  std::string path_;
};

}  // namespace flyt::cli
