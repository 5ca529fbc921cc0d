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

bool is_entry(const nlohmann::json& entry) {
  const auto number = [&](const char* name) {
    const auto at = entry.find(name);
    return at != entry.end() && at->is_number_unsigned();
  };
  const auto zero = entry.find("zero");
  return number("start") && number("length") && number("depth") && zero != entry.end() &&
         zero->is_boolean();
}

}  // namespace

Result<std::vector<Extent>> parse_changed_map(std::string_view json) {
  const nlohmann::json map = nlohmann::json::parse(json, nullptr, false);
  if (!map.is_array()) return not_a_map(json.substr(0, 200));
  std::vector<Extent> extents;
  std::uint64_t end = 0;
  for (const nlohmann::json& entry : map) {
    if (!entry.is_object() || !is_entry(entry)) return not_a_map(entry.dump().substr(0, 200));
    const Extent extent{entry["start"].get<std::uint64_t>(), entry["length"].get<std::uint64_t>(),
                        entry["zero"].get<bool>()};
    if (extent.offset < end || extent.length > UINT64_MAX - extent.offset) {
      return not_a_map(fmt::format("an entry at {} after one that ends at {}", extent.offset, end));
    }
    end = extent.offset + extent.length;
    if (entry["depth"].get<std::uint64_t>() != 0 || extent.length == 0) continue;
    if (!extents.empty() && extents.back().zero == extent.zero &&
        extents.back().offset + extents.back().length == extent.offset) {
      extents.back().length += extent.length;
    } else {
      extents.push_back(extent);
    }
  }
  return extents;
}

}  // namespace flyt
