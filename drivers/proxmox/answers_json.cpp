#include "drivers/proxmox/answers_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/members_json.hpp"
#include "drivers/shared/utf8.hpp"

namespace flyt::proxmox {
namespace {

using Json = nlohmann::json;

Error odd(std::string_view what, std::string_view wanted) {
  return {Errc::corrupt, std::string(what), fmt::format("the answer is no {}", wanted),
          "another program than Proxmox VE answers there, or one of another version"};
}

Result<Json> data_of(std::string_view body, std::string_view what) {
  auto document = parse_document(body, what);
  if (!document) {
    Error error = odd(what, "JSON");
    error.seen += fmt::format(": {}", document.error().what);
    return error;
  }
  if (!document->is_object() || !document->contains("data")) return odd(what, "object with data");
  return std::move(document->at("data"));
}

void flatten(const Json& json, const std::string& path, Row& row) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      flatten(value, path.empty() ? key : fmt::format("{}.{}", path, key), row);
    }
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      flatten(json[i], fmt::format("{}[{}]", path, i), row);
    }
  } else if (json.is_boolean()) {
    row.values[path] = std::string(1, json.get<bool>() ? '1' : '0');
  } else if (json.is_string()) {
    row.values[path] =
        clean_utf8(json.get_ref<const std::string&>(), path.ends_with("description"));
  } else if (!json.is_null()) {
    row.values[path] = json.dump();
  }
}

}  // namespace

std::string Row::text(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> Row::number(std::string_view key) const {
  const auto found = values.find(key);
  if (found == values.end()) return {};
  const std::string& written = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), value);
  if (error != std::errc() || end != written.data() + written.size()) return {};
  return value;
}

Result<Row> parse_row(std::string_view body, std::string_view what) {
  FLYT_ASSIGN(const Json data, data_of(body, what));
  if (!data.is_object()) return odd(what, "object");
  Row row;
  flatten(data, "", row);
  return row;
}

Result<std::vector<Row>> parse_rows(std::string_view body, std::string_view what) {
  FLYT_ASSIGN(const Json data, data_of(body, what));
  if (!data.is_array()) return odd(what, "list");
  std::vector<Row> rows;
  for (const Json& one : data) {
    if (!one.is_object()) return odd(what, "list of objects");
    flatten(one, "", rows.emplace_back());
  }
  return rows;
}

Result<std::string> parse_text(std::string_view body, std::string_view what) {
  FLYT_ASSIGN(const Json data, data_of(body, what));
  if (data.is_null()) return std::string();
  if (data.is_string()) return data.get<std::string>();
  if (data.is_number()) return data.dump();
  return odd(what, "text");
}

Result<Grants> parse_grants(std::string_view body, std::string_view what) {
  FLYT_ASSIGN(const Json data, data_of(body, what));
  if (!data.is_object()) return odd(what, "object");
  Grants grants;
  for (const auto& [path, privileges] : data.items()) {
    if (!privileges.is_object()) return odd(what, "object of objects");
    for (const auto& entry : privileges.items()) grants[path].push_back(entry.key());
  }
  return grants;
}

Result<TicketFacts> parse_ticket(std::string_view body, std::string_view what) {
  FLYT_ASSIGN(const Row row, parse_row(body, what));
  TicketFacts facts{row.text("ticket"), row.text("CSRFPreventionToken")};
  if (row.has("NeedTFA") && row.text("NeedTFA") != "0") {
    return Error{Errc::denied, std::string(what),
                 "",           "the user has a second factor, which no program can give",
                 "",           {"use an API token: token = \"user@realm!flyt\""}};
  }
  if (facts.ticket.empty() || facts.csrf.empty()) return odd(what, "ticket");
  return facts;
}

std::string parse_refusal(std::string_view body) {
  const auto document = parse_document(body, "");
  if (!document || !document->is_object()) return {};
  Row row;
  flatten(*document, "", row);
  std::string text = row.text("message");
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (const auto& [key, value] : row.values) {
    if (key.starts_with("errors.")) text += fmt::format(" {}: {}", key.substr(7), value);
  }
  return text;
}

}  // namespace flyt::proxmox
