#include "base/concern_kind.hpp"

#include <algorithm>
#include <utility>

namespace flyt {

const ConcernKind* find_kind(std::span<const ConcernKind> kinds, std::string_view code) noexcept {
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [code](const ConcernKind& one) { return one.code == code; });
  return found == kinds.end() ? nullptr : &*found;
}

Concern concern_of(std::span<const ConcernKind> kinds, std::string_view code,
                   std::string_view machine, std::string text, std::string remedy) {
  const ConcernKind* kind = find_kind(kinds, code);
  const Severity severity = kind == nullptr ? Severity::blocker : kind->severity;
  return {std::string(code), severity, std::string(machine), std::move(text), std::move(remedy)};
}

}  // namespace flyt
