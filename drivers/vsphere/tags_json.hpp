// What the REST interface of a vCenter says of tags: that of 7.0 and later (/api), and the older
// one (/rest), which wraps every answer in "value". `what` begins errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::vsphere {

struct RestTag {
  std::string name, category;  // the category's id
};
struct AttachedTags {
  std::string object;  // "vm-64"
  std::vector<std::string> tags;
};

Result<std::string> parse_rest_token(std::string_view text, std::string_view what);
Result<RestTag> parse_rest_tag(std::string_view text, std::string_view what);
Result<std::string> parse_rest_category(std::string_view text, std::string_view what);  // its name
Result<std::vector<AttachedTags>> parse_attached_tags(std::string_view text, std::string_view what);

// The question that parse_attached_tags() reads the answer to.
std::string attached_tags_request(const std::vector<std::string>& machines);

// What an error says for people; empty: nothing.
std::string rest_message(std::string_view text);

}  // namespace flyt::vsphere
