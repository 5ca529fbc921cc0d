#include "cli/toml_table.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>

#include "base/units.hpp"

namespace flyt::cli {

struct TomlTable::Document {
  toml::table root;
  std::string file;
};

namespace {

const toml::table& table_at(const void* node) { return *static_cast<const toml::table*>(node); }

std::string join(std::string_view path, std::string_view key) {
  if (path.empty()) return std::string(key);
  if (key.empty()) return std::string(path);
  return fmt::format("{}.{}", path, key);
}

// As it would stand in the file.
std::string written(std::string_view key) {
  const auto is_bare = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return std::all_of(key.begin(), key.end(), is_bare) ? std::string(key) : fmt::format("{:?}", key);
}

constexpr const char* not_toml_remedy =
    "mend it there; a file to compare with: flyt init --site OTHER.toml";

std::string where(std::string_view file, const toml::source_region& region) {
  if (region.begin.line == 0) return std::string(file);
  return fmt::format("{} line {}", file, region.begin.line);
}

}  // namespace

Result<TomlTable> TomlTable::parse(std::string_view text, std::string_view file) {
  try {
    auto document =
        std::make_shared<const Document>(Document{toml::parse(text), std::string(file)});
    const void* root = &document->root;
    return TomlTable(std::move(document), root, "");
  } catch (const toml::parse_error& error) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("{}: this is not TOML", where(file, error.source())),
                 .seen = std::string(error.description()),
                 .remedy = {not_toml_remedy}};
  } catch (const std::exception& error) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("{}: this is not TOML", file),
                 .seen = error.what(),
                 .remedy = {not_toml_remedy}};
  }
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> all;
  for (const auto& entry : table_at(node_)) all.emplace_back(entry.first.str());
  std::sort(all.begin(), all.end());
  return all;
}

TomlTable::Kind TomlTable::kind(std::string_view key) const {
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return Kind::absent;
  switch (node->type()) {
    case toml::node_type::string:
      return Kind::text;
    case toml::node_type::integer:
      return Kind::integer;
    case toml::node_type::boolean:
      return Kind::boolean;
    case toml::node_type::table:
      return Kind::table;
    case toml::node_type::array:
      return Kind::array;
    default:
      return Kind::other;
  }
}

Result<std::optional<std::string>> TomlTable::text(std::string_view key) const {
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return std::optional<std::string>();
  const auto* value = node->as_string();
  if (value == nullptr) return expected(key, {"a text in quotes", "\"...\""});
  return std::optional<std::string>(value->get());
}

Result<std::optional<std::int64_t>> TomlTable::integer(std::string_view key) const {
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return std::optional<std::int64_t>();
  const auto* value = node->as_integer();
  if (value == nullptr) return expected(key, {"a whole number", "1"});
  return std::optional<std::int64_t>(value->get());
}

Result<std::optional<bool>> TomlTable::boolean(std::string_view key) const {
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return std::optional<bool>();
  const auto* value = node->as_boolean();
  if (value == nullptr) return expected(key, {"true or false", "true"});
  return std::optional<bool>(value->get());
}

Result<std::optional<TomlTable>> TomlTable::table(std::string_view key) const {
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return std::optional<TomlTable>();
  const auto* value = node->as_table();
  if (value == nullptr) return expected(key, {"a table", "{ KEY = VALUE }"});
  return std::optional<TomlTable>(TomlTable(document_, value, join(path_, key)));
}

Result<std::vector<std::string>> TomlTable::texts(std::string_view key) const {
  std::vector<std::string> all;
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return all;
  const auto* array = node->as_array();
  if (array == nullptr) return expected(key, {"a list of texts", "[\"...\", \"...\"]"});
  for (const auto& element : *array) {
    const auto* value = element.as_string();
    if (value == nullptr) return expected(key, {"a list of texts", "[\"...\", \"...\"]"});
    all.push_back(value->get());
  }
  return all;
}

Result<std::vector<TomlTable>> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> all;
  const toml::node* node = table_at(node_).get(key);
  if (node == nullptr) return all;
  const auto* array = node->as_array();
  if (array == nullptr) return expected(key, {"a list of tables", "[{ KEY = VALUE }]"});
  for (const auto& element : *array) {
    const auto* value = element.as_table();
    if (value == nullptr) return expected(key, {"a list of tables", "[{ KEY = VALUE }]"});
    all.push_back(TomlTable(document_, value, join(path_, key)));
  }
  return all;
}

Status TomlTable::only(const std::vector<std::string_view>& known) const {
  for (const auto& key : keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    Error error = wrong(key, "there is no such key");
    if (const auto near = nearest(key, known); !near.empty()) {
      error.remedy.push_back(fmt::format("write {}", near));
    } else {
      error.remedy.push_back(fmt::format("keys here are: {}", fmt::join(known, ", ")));
    }
    return error;
  }
  return ok();
}

Error TomlTable::wrong(std::string_view key, std::string_view what,
                       std::string_view example) const {
  const toml::table& table = table_at(node_);
  toml::source_region region = table.source();
  for (const auto& entry : table) {
    if (!key.empty() && entry.first.str() == key) region = entry.first.source();
  }
  const std::string name = join(path_, key);
  Error error{.code = Errc::invalid,
              .what = fmt::format("{}: {}{}{}", where(document_->file, region), name,
                                  name.empty() ? "" : ": ", what)};
  if (!example.empty()) error.remedy.push_back(fmt::format("write {} = {}", written(key), example));
  return error;
}

Error TomlTable::expected(std::string_view key, const Expected& what) const {
  return wrong(key, fmt::format("{} is expected here", what.type), what.example);
}

}  // namespace flyt::cli
