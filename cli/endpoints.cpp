#include "cli/endpoints.hpp"

#include <fmt/format.h>

#include "base/units.hpp"
#include "drivers/all.hpp"
#include "drivers/decorators/read_only.hpp"
#include "drivers/decorators/retry.hpp"

namespace flyt::cli {
namespace {

Error which_one(const Site& site, std::string_view role, const std::vector<std::string>& could) {
  Error error{.code = Errc::invalid,
              .what = fmt::format("which endpoint is the {}?", role),
              .state = "nothing was done"};
  if (could.empty()) {
    error.seen = fmt::format("none in {} can be one", site.file.filename().string());
    error.remedy = {"add it to the site file, with a driver that can: flyt drivers"};
  } else {
    error.seen = fmt::format("these can be one: {}", fmt::join(could, ", "));
    error.remedy = {fmt::format("say --{} NAME", role),
                    fmt::format("or write [move] {} = \"NAME\" into the site file",
                                role == "source" ? "from" : "to")};
  }
  return error;
}

// The only endpoint but `other` whose driver can do `what`. A file is the source where nothing else
// can be.
Attempt<std::string> only_one(const Site& site, std::string_view role, Capability what,
                              const std::string& other, const Call& call) {
  std::vector<std::string> could, records;
  for (const auto& [name, endpoint] : site.endpoints) {
    if (name == other) continue;
    FLYT_ASSIGN(const auto driver, open_endpoint(endpoint, Access::work, call));
    if (driver->info().can.has(what)) could.push_back(name);
    if (driver->info().record && what == Capability::read) records.push_back(name);
  }
  if (could.empty()) could = std::move(records);
  if (could.size() != 1) return failure(which_one(site, role, could), Origin::setup);
  return could.front();
}

}  // namespace

std::string endpoint_context(std::string_view name) { return fmt::format("endpoint {}", name); }

Attempt<const EndpointConfig*> find_endpoint(const Site& site, const std::string& name) {
  const auto found = site.endpoints.find(name);
  if (found != site.endpoints.end()) return &found->second;
  Error error{
      .code = Errc::invalid,
      .what = fmt::format("there is no endpoint {:?} in {}", name, site.file.filename().string()),
      .state = "nothing was done"};
  std::vector<std::string_view> known;
  for (const auto& entry : site.endpoints) known.push_back(entry.first);
  if (const auto near = nearest(name, known); !near.empty()) {
    error.remedy.push_back(fmt::format("write {}", near));
  } else if (!known.empty()) {
    error.remedy.push_back(fmt::format("there are: {}", fmt::join(known, ", ")));
  }
  return failure(std::move(error), Origin::setup);
}

Attempt<std::unique_ptr<Driver>> open_endpoint(const EndpointConfig& endpoint, Access access,
                                               const Call& call) {
  FLYT_ASSIGN(auto driver, during(Origin::setup, open_driver(endpoint, call)));
  driver = with_retries(std::move(driver), {}, endpoint_context(endpoint.name));
  return access == Access::look ? read_only(std::move(driver)) : std::move(driver);
}

Attempt<Inventory> read_inventory(const EndpointConfig& endpoint, const Call& call,
                                  const Scope& scope) {
  FLYT_ASSIGN(const auto driver, open_endpoint(endpoint, Access::look, call));
  FLYT_ASSIGN(auto inventory, during(Origin::endpoint, driver->inventory(scope, call)));
  inventory.endpoint = endpoint.name;
  add_abilities(driver->info(), inventory);
  return inventory;
}

void add_abilities(const DriverInfo& driver, Inventory& inventory) {
  if (driver.record) return;
  inventory.can_cut_over = driver.can_cut_over();
  inventory.can_track = driver.can.has(Capability::tracking);
  inventory.can = driver.can;
}

bool is_source(const DriverInfo& driver) {
  return driver.can.has(Capability::read) || driver.record;
}

Attempt<Ends> choose_ends(const Site& site, const std::optional<std::string>& source,
                          const std::optional<std::string>& target, const Call& call) {
  Ends ends{source.value_or(site.from), target.value_or(site.to)};
  if (ends.source.empty()) {
    FLYT_ASSIGN(ends.source, only_one(site, "source", Capability::read, ends.target, call));
  }
  if (ends.target.empty()) {
    FLYT_ASSIGN(ends.target, only_one(site, "target", Capability::create, ends.source, call));
  }
  FLYT_TRY(find_endpoint(site, ends.source));
  FLYT_TRY(find_endpoint(site, ends.target));
  if (ends.source == ends.target) {
    return failure({.code = Errc::invalid,
                    .what = fmt::format("{} is both source and target", ends.source),
                    .state = "nothing was done",
                    .remedy = {"say another one: --source NAME --target NAME",
                               "or see [move] in the site file"}},
                   Origin::setup);
  }
  return ends;
}

}  // namespace flyt::cli
