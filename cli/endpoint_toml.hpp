// The parts of a site file: endpoints, grounds, network targets, machine settings.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/site.hpp"
#include "base/units.hpp"
#include "cli/toml_table.hpp"
#include "drivers/driver.hpp"

namespace flyt::cli {

// Whether "EU" and "EEA" may stand beside country codes.
enum class Groups : std::uint8_t { allowed, refused };
Result<std::vector<std::string>> read_countries(const TomlTable& table, std::string_view key,
                                                Groups groups);

// One [endpoints.NAME]; its keys are those of its driver and `driver`, `ground`, `limits`. A secret
// key that holds its secret is refused. Leaves name, folder and state to the caller.
Result<EndpointConfig> read_endpoint(const TomlTable& table, std::span<const DriverEntry> drivers);

// "vmbr0" or { network = "vmbr0", vlan = 120 }. REQUIRES: `key` is there.
Result<NetworkTarget> read_network_target(const TomlTable& table, std::string_view key);

// [defaults], or with `of_one` a [machines.NAME], which may also have a name.
Result<MachineSettings> read_settings(const TomlTable& table, bool of_one);

}  // namespace flyt::cli
