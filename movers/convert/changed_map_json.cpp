#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "movers/convert/changed_map.hpp"

namespace flyt {
namespace {

Error not_a_map(std::string_view why) {
  return {.code = Errc::internal,
          .what = "the map of the overlay cannot be read",
          .seen = std::string(why),
          .why = "qemu-img map printed what this version of flyt does not know"};
}

// Reads entry by entry: a document of them all would be many times the text.
class MapReader {
 public:
  // Empty: the entry is taken, or left out since the overlay does not hold it.
  std::string add(const nlohmann::json& entry) {
    const auto number = [&](const char* name) {
      const auto at = entry.find(name);
      return at != entry.end() && at->is_number_unsigned();
    };
    const auto truth = [&](const char* name) {
      const auto at = entry.find(name);
      return at != entry.end() && at->is_boolean();
    };
    if (!entry.is_object() || !number("start") || !number("length") || !truth("zero") ||
        !truth("present")) {
      return entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 200);
    }
    const Extent extent{entry["start"].get<std::uint64_t>(), entry["length"].get<std::uint64_t>(),
                        entry["zero"].get<bool>()};
    if (extent.offset < end_ || extent.length > UINT64_MAX - extent.offset) {
      return fmt::format("an entry at {} after one that ends at {}", extent.offset, end_);
    }
    end_ = extent.offset + extent.length;
    if (!entry["present"].get<bool>() || extent.length == 0) return {};
    if (!extents.empty() && extents.back().zero == extent.zero &&
        extents.back().offset + extents.back().length == extent.offset) {
      extents.back().length += extent.length;
    } else {
      extents.push_back(extent);
    }
    return {};
  }
  std::vector<Extent> extents;

 private:
  std::uint64_t end_ = 0;
};

}  // namespace

Result<std::vector<Extent>> parse_changed_map(std::string_view json) {
  MapReader reader;
  std::string wrong;
  using Event = nlohmann::json::parse_event_t;
  // An entry stands at depth 1 of the list; what is taken is dropped from the document.
  const auto take = [&](int depth, Event event, nlohmann::json& parsed) {
    const bool value =
        event == Event::object_end || event == Event::array_end || event == Event::value;
    if (depth != 1 || !value) return true;
    if (wrong.empty()) wrong = reader.add(parsed);
    return false;
  };
  const nlohmann::json map = nlohmann::json::parse(json, take, false);
  if (!wrong.empty()) return not_a_map(wrong);
  if (!map.is_array()) return not_a_map(json.substr(0, 200));
  return std::move(reader.extents);
}

}  // namespace flyt
