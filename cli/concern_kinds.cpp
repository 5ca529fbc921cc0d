#include "cli/concern_kinds.hpp"

#include "drivers/concerns.hpp"
#include "movers/inspect/concerns.hpp"
#include "planners/concerns.hpp"

namespace flyt::cli {

const ConcernKind* find_concern_kind(std::string_view code) {
  for (const auto kinds : {concern_kinds(), driver_concern_kinds(), inside_concern_kinds()}) {
    if (const ConcernKind* kind = find_kind(kinds, code)) return kind;
  }
  return nullptr;
}

std::vector<std::string_view> concern_codes() {
  std::vector<std::string_view> codes;
  for (const auto kinds : {concern_kinds(), driver_concern_kinds(), inside_concern_kinds()}) {
    for (const ConcernKind& kind : kinds) codes.push_back(kind.code);
  }
  return codes;
}

}  // namespace flyt::cli
