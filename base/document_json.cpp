#include <fmt/format.h>

#include <set>

#include "base/members_json.hpp"

namespace flyt {

Result<nlohmann::json> parse_document(std::string_view text, std::string_view what) {
  using Json = nlohmann::json;
  std::vector<std::set<std::string>> open;  // the members of each object that is being read
  std::string twice;
  const auto look = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!open.back().insert(name).second && twice.empty()) twice = name;
    }
    return true;
  };
  Json json = Json::parse(text, look, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Error{Errc::invalid, fmt::format("{} is not JSON", what)};
  if (twice.empty()) return json;
  return Error{Errc::invalid, fmt::format("{}: the member {} stands there twice", what, twice)};
}

}  // namespace flyt
