#include <fmt/format.h>

#include <array>

#include "base/durable_file.hpp"
#include "base/inventory_file.hpp"
#include "base/inventory_json.hpp"
#include "base/version.hpp"
#include "cli/commands/commands.hpp"
#include "cli/endpoints.hpp"
#include "cli/output_file.hpp"
#include "cli/session.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"ENDPOINT", "whose inventory (default: of all)", false, true},
};

constexpr std::array option_table{
    OptionInfo{"output", 'o', "FILE", "save it, for plans without a connection"},
};
// It holds no secret; but the names, addresses and notes of all machines are what an intruder looks
// for first, and whom to give them is for its owner to say.
constexpr unsigned saved_mode = 0600;

constexpr OutputKind saved_inventory{"inventory", "flyt inventory ENDPOINT -o",
                                     [](const std::filesystem::path& file) -> Status {
                                       FLYT_TRY(read_inventory_file(file));
                                       return ok();
                                     }};

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

Failure one_by_one(const std::vector<std::string>& names) {
  Error error{.code = Errc::invalid,
              .what = "-o: a file holds the inventory of one endpoint",
              .seen = fmt::format("{} are meant", fmt::join(names, ", ")),
              .state = "nothing was done"};
  for (const auto& name : names) {
    error.remedy.push_back(fmt::format("flyt inventory {0} -o {0}.json", name));
  }
  return failure(std::move(error), Origin::setup);
}

Outcome save(const EndpointConfig& endpoint, const std::string& file, Session& session) {
  FLYT_TRY(during(Origin::setup, check_output_file(saved_inventory, file, session.site_file())));
  FLYT_ASSIGN(auto inventory, read_inventory(endpoint, session.call()));
  inventory.notes.push_back(fmt::format("saved {} by flyt {}, as the driver {} told it of {}",
                                        utc_now(), version(), inventory.driver, endpoint.name));
  FLYT_TRY(during(Origin::work, write_durably(file, inventory_text(inventory), saved_mode)));
  session.view().inventory_saved(inventory, file);
  return ExitStatus::done;
}

Outcome run(const Arguments& arguments, Session& session) {
  const auto file = arguments.text("output");
  FLYT_ASSIGN(const auto site, session.site());
  std::vector<std::string> names = arguments.operands();
  if (names.empty()) {
    for (const auto& entry : site.endpoints) names.push_back(entry.first);
  }
  if (names.empty()) return no_endpoints(site);
  for (const auto& name : names) FLYT_TRY(find_endpoint(site, name));
  if (file && names.size() != 1) return one_by_one(names);
  if (file) return save(site.endpoints.at(names.front()), *file, session);
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
    .options = option_table,
    .example =
        "  flyt inventory vcenter\n"
        "  flyt inventory vcenter -o vcenter.json    for plan --source-file, or a driver \"saved\"",
    .run = run,
};

}  // namespace flyt::cli
