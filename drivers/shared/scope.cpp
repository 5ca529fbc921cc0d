#include "drivers/shared/scope.hpp"

#include <fmt/format.h>

#include <utility>

namespace flyt {

Result<Inventory> narrowed(Inventory whole, const Scope& scope) {
  if (!scope.migration_id.empty()) {
    std::erase_if(whole.machines,
                  [&](const Machine& one) { return one.migration_id != scope.migration_id; });
  }
  if (scope.machine.empty()) return whole;
  std::erase_if(whole.machines, [&](const Machine& one) { return one.id != scope.machine; });
  if (!whole.machines.empty()) return whole;
  return Error{Errc::not_found, fmt::format("there is no machine {}", scope.machine)};
}

}  // namespace flyt
