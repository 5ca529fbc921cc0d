#include <array>

#include "cli/commands/commands.hpp"
#include "cli/endpoints.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"ENDPOINT", "whose inventory (default: of all)", false, true},
};

Failure no_endpoints(const Site& site) {
  return failure({.code = Errc::invalid,
                  .what = "the site has no endpoints yet",
                  .seen = site.file.string(),
                  .state = "nothing was done",
                  .remedy = {"fill in [endpoints] there; flyt drivers lists what they may be"}},
                 Origin::setup);
}

// One that cannot be read hides none of the others. A stop ends it all.
Outcome show_all(const std::vector<std::string>& names, const Site& site, Session& session) {
  ExitStatus status = ExitStatus::done;
  for (const auto& name : names) {
    const auto inventory = read_inventory(site.endpoints.at(name), session.call());
    FLYT_TRY(during(Origin::work, proceed(session.call(), "inventory")));
    if (inventory) {
      session.view().inventory(*inventory);
      continue;
    }
    session.view().error("inventory", inventory.error());
    status = worse(status, inventory.error().status);
  }
  return status;
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto site, session.site());
  std::vector<std::string> names = arguments.operands();
  if (names.empty()) {
    for (const auto& entry : site.endpoints) names.push_back(entry.first);
  }
  if (names.empty()) return no_endpoints(site);
  for (const auto& name : names) FLYT_TRY(find_endpoint(site, name));
  if (names.size() == 1) {
    FLYT_ASSIGN(const auto inventory,
                read_inventory(site.endpoints.at(names.front()), session.call()));
    session.view().inventory(inventory);
    return ExitStatus::done;
  }
  return show_all(names, site, session);
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
