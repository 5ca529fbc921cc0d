#include "drivers/vsphere/tags_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/members_json.hpp"
#include "drivers/shared/utf8.hpp"

namespace flyt::vsphere {
namespace {

using Json = nlohmann::json;

// Without the older interface's wrapping.
Result<Json> parse_answer_to(std::string_view text, std::string_view what) {
  FLYT_ASSIGN(Json document, parse_document(text, what));
  if (document.is_object() && document.size() == 1 && document.contains("value")) {
    return Json(document.at("value"));
  }
  return document;
}

Result<AttachedTags> attached_from(const Json& json, const std::string& path) {
  AttachedTags one;
  JsonMembers in(json, path);
  in.read_object("object_id", one.object, [](const Json& object, const std::string& at) {
    std::string id;
    JsonMembers members(object, at);
    members.read("id", id);
    return std::move(members).give(std::move(id));
  });
  in.read("tag_ids", one.tags);
  return std::move(in).give(std::move(one));
}

Error no_text(std::string_view what, std::string_view wanted) {
  return {Errc::corrupt, fmt::format("{}: the answer has no {}", what, wanted)};
}

}  // namespace

Result<std::string> parse_rest_token(std::string_view text, std::string_view what) {
  FLYT_ASSIGN(const Json answer, parse_answer_to(text, what));
  if (!answer.is_string() || answer.get_ref<const std::string&>().empty()) {
    return no_text(what, "session");
  }
  return answer.get<std::string>();
}

Result<RestTag> parse_rest_tag(std::string_view text, std::string_view what) {
  FLYT_ASSIGN(const Json answer, parse_answer_to(text, what));
  RestTag tag;
  JsonMembers in(answer, "");
  in.read("name", tag.name);
  in.read("category_id", tag.category);
  FLYT_TRY(within(what, std::move(in).status()));
  if (tag.name.empty() || tag.category.empty()) return no_text(what, "name or category");
  tag.name = clean_utf8(tag.name);
  return tag;
}

Result<std::string> parse_rest_category(std::string_view text, std::string_view what) {
  FLYT_ASSIGN(const Json answer, parse_answer_to(text, what));
  std::string name;
  JsonMembers in(answer, "");
  in.read("name", name);
  FLYT_TRY(within(what, std::move(in).status()));
  if (name.empty()) return no_text(what, "name");
  return clean_utf8(name);
}

Result<std::vector<AttachedTags>> parse_attached_tags(std::string_view text,
                                                      std::string_view what) {
  FLYT_ASSIGN(Json answer, parse_answer_to(text, what));
  const Json wrapped = {{"attached", std::move(answer)}};
  std::vector<AttachedTags> all;
  JsonMembers in(wrapped, "");
  in.read_list("attached", all, attached_from);
  FLYT_TRY(within(what, std::move(in).status()));
  return all;
}

std::string attached_tags_request(const std::vector<std::string>& machines) {
  Json ids = Json::array();
  for (const std::string& one : machines) ids.push_back({{"id", one}, {"type", "VirtualMachine"}});
  return Json{{"object_ids", std::move(ids)}}.dump();
}

std::string rest_message(std::string_view text) {
  auto document = parse_document(text, "");
  if (!document || !document->is_object()) return {};
  // The newer interface has the messages beside the type, the older one in "value".
  const Json& error = document->contains("value") ? document->at("value") : *document;
  if (!error.is_object()) return {};
  std::vector<std::string> messages;
  JsonMembers in(error, "");
  in.read_list("messages", messages, [](const Json& one, const std::string& path) {
    std::string message;
    JsonMembers members(one, path);
    members.read("default_message", message);
    return std::move(members).give(clean_utf8(message));
  });
  return std::move(in).status() ? fmt::format("{}", fmt::join(messages, " ")) : std::string();
}

}  // namespace flyt::vsphere
