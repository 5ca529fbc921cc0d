// Endpoints of a site, opened as a command may use them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/attempt.hpp"
#include "cli/session.hpp"
#include "drivers/driver.hpp"

namespace flyt::cli {

enum class Access : std::uint8_t {
  look,  // info, inventory and observe only
  work,  // all, and what is transient is tried again
};

// Errc::invalid names the nearest endpoint when there is none called `name`. The pointer is into
// `site`.
Attempt<const EndpointConfig*> find_endpoint(const Site& site, const std::string& name);

// What stands in front of every error of an endpoint's driver: "endpoint pve". judgement.hpp tells
// by it who has failed.
std::string endpoint_context(std::string_view name);

Attempt<std::unique_ptr<Driver>> open_endpoint(const EndpointConfig& endpoint, Access access,
                                               const Call& call);

// Opens it to look, reads everything, closes it. `scope`: see Driver::inventory().
Attempt<Inventory> read_inventory(const EndpointConfig& endpoint, const Call& call,
                                  const Scope& scope = {});

// What its driver can do with its machines; a record says itself what its platform could.
void add_abilities(const DriverInfo& driver, Inventory& inventory);

// Whether machines can come from there, or be planned to.
bool is_source(const DriverInfo& driver);

struct Ends {
  std::string source, target;  // endpoint names
};

// What the command line says, else [move], else the only endpoint that can be read, or made
// machines on. Errc::invalid when that leaves a choice, or both are the same.
Attempt<Ends> choose_ends(const Site& site, const std::optional<std::string>& source,
                          const std::optional<std::string>& target, const Call& call);

}  // namespace flyt::cli
