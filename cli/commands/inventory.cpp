#include <array>

#include "cli/commands/commands.hpp"
#include "cli/endpoints.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"ENDPOINT", "whose inventory (default: of all)", false, true},
};

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto site, session.site());
  std::vector<std::string> names = arguments.operands();
  if (names.empty()) {
    for (const auto& entry : site.endpoints) names.push_back(entry.first);
  }
  for (const auto& name : names) FLYT_TRY(find_endpoint(site, name));
  for (const auto& name : names) {
    FLYT_ASSIGN(const auto inventory, read_inventory(site.endpoints.at(name), session.call()));
    session.view().inventory(inventory);
  }
  return ExitStatus::done;
}

}  // namespace

const CommandInfo inventory_command{
    .name = "inventory",
    .summary = "Shows what is there: machines, hosts, storages, networks, volumes.",
    .operands = operand_table,
    .options = {},
    .example =
        "  flyt inventory vcenter\n"
        "  flyt inventory vcenter --json > vcenter.json    for plan --source-file",
    .run = run,
};

}  // namespace flyt::cli
