// The inventory as JSON, in and out: `flyt inventory --json` and saved inventories.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/inventory.hpp"
#include "base/result.hpp"
#include "base/verdict.hpp"

namespace flyt {

nlohmann::json to_json(const Machine& machine);
nlohmann::json to_json(const Inventory& inventory);
nlohmann::json to_json(const Concern& concern);
nlohmann::json to_json(const Verdict& verdict);
nlohmann::json to_json(const Error& error);
// Errc::invalid names the member that is wrong. Unknown members are ignored.
Result<Machine> machine_from(const nlohmann::json& json);
Result<Inventory> inventory_from(const nlohmann::json& json);
Result<Concern> concern_from(const nlohmann::json& json);
Result<Verdict> verdict_from(const nlohmann::json& json);
Status error_from(const nlohmann::json& json, Error& to);  // on failure `to` is as it was

// The whole document as text, marked as an inventory; `parse_inventory` never throws, and takes
// nothing that is not marked for one.
std::string inventory_text(const Inventory& inventory);
Result<Inventory> parse_inventory(std::string_view text);

}  // namespace flyt
