#include "cli/site_toml.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/durable_file.hpp"
#include "base/identity.hpp"
#include "cli/endpoint_toml.hpp"
#include "cli/toml_table.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint64_t largest_site = std::uint64_t{4} << 20;

std::filesystem::path default_state(const std::string& id) {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::filesystem::path(state) / "flyt" / id;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr && *home == '/' ? home : "/root") /
         ".local/state/flyt" / id;
}

Status read_head(const TomlTable& root, Site& site) {
  FLYT_ASSIGN(const auto head, root.table("site"));
  if (!head) {
    Error error = root.wrong("", "there is no [site] table");
    error.remedy = {"flyt init writes a site file to start from"};
    return error;
  }
  FLYT_TRY(head->only({"id", "name", "state"}));
  FLYT_ASSIGN(auto id, head->text("id"));
  if (!id || !is_uuid(*id)) {
    Error error = head->wrong("id", id ? "this is not a UUID" : "is missing");
    error.remedy = {"flyt init writes one; it must stay the same for the life of the site"};
    return error;
  }
  site.id = *std::move(id);
  FLYT_ASSIGN(auto name, head->text("name"));
  site.name = std::move(name).value_or("");
  FLYT_ASSIGN(const auto state, head->text("state"));
  site.state =
      state ? (site.file.parent_path() / *state).lexically_normal() : default_state(site.id);
  return ok();
}

Status read_policy(const TomlTable& root, Policy& policy) {
  FLYT_ASSIGN(const auto table, root.table("policy"));
  if (!table) return ok();
  FLYT_TRY(table->only({"countries", "control"}));
  FLYT_ASSIGN(policy.countries, read_countries(*table, "countries", Groups::allowed));
  FLYT_ASSIGN(policy.control, read_countries(*table, "control", Groups::allowed));
  return ok();
}

std::vector<std::string_view> names_of(const Site& site) {
  std::vector<std::string_view> names;
  for (const auto& entry : site.endpoints) names.push_back(entry.first);
  return names;
}

Status read_endpoints(const TomlTable& root, std::span<const DriverEntry> drivers, Site& site) {
  FLYT_ASSIGN(const auto table, root.table("endpoints"));
  if (!table) return ok();
  for (const auto& name : table->keys()) {
    FLYT_ASSIGN(const auto endpoint, table->table(name));
    FLYT_ASSIGN(auto config, read_endpoint(*endpoint, drivers));
    config.name = name;
    config.folder = site.file.parent_path();
    config.state = site.state;
    site.endpoints[name] = std::move(config);
  }
  return ok();
}

Status read_move(const TomlTable& root, Site& site) {
  FLYT_ASSIGN(const auto table, root.table("move"));
  if (!table) return ok();
  FLYT_TRY(table->only({"from", "to"}));
  for (const auto& [key, member] : {std::pair{"from", &site.from}, std::pair{"to", &site.to}}) {
    FLYT_ASSIGN(auto name, table->text(key));
    if (!name) continue;
    if (!site.endpoints.contains(*name)) {
      Error error = table->wrong(key, fmt::format("there is no [endpoints.{}]", *name));
      const auto known = names_of(site);
      const auto near = nearest(*name, known);
      error.remedy.push_back(near.empty() ? fmt::format("there are: {}", fmt::join(known, ", "))
                                          : fmt::format("write {}", near));
      return error;
    }
    *member = *std::move(name);
  }
  return ok();
}

Result<Mapping> read_mapping(const TomlTable& table) {
  Mapping mapping;
  FLYT_ASSIGN(const auto networks, table.table("networks"));
  for (const auto& source : networks ? networks->keys() : std::vector<std::string>()) {
    FLYT_ASSIGN(mapping.networks[source], read_network_target(*networks, source));
  }
  FLYT_ASSIGN(const auto storages, table.table("storages"));
  for (const auto& source : storages ? storages->keys() : std::vector<std::string>()) {
    FLYT_ASSIGN(auto target, storages->text(source));
    mapping.storages[source] = *std::move(target);
  }
  return mapping;
}

// [map.networks] is for every target, [map.TARGET.networks] for one.
Status read_mappings(const TomlTable& root, Site& site) {
  FLYT_ASSIGN(const auto table, root.table("map"));
  if (!table) return ok();
  std::vector<std::string_view> known = names_of(site);
  known.insert(known.begin(), {"networks", "storages"});
  FLYT_TRY(table->only(known));
  FLYT_ASSIGN(site.mappings[""], read_mapping(*table));
  for (const auto& name : table->keys()) {
    if (name == "networks" || name == "storages") continue;
    FLYT_ASSIGN(const auto target, table->table(name));
    FLYT_TRY(target->only({"networks", "storages"}));
    FLYT_ASSIGN(site.mappings[name], read_mapping(*target));
  }
  return ok();
}

Status read_machines(const TomlTable& root, Site& site) {
  FLYT_ASSIGN(const auto defaults, root.table("defaults"));
  if (defaults) {
    FLYT_ASSIGN(site.defaults, read_settings(*defaults, /*of_one=*/false));
  }
  FLYT_ASSIGN(const auto machines, root.table("machines"));
  if (!machines) return ok();
  for (const auto& name : machines->keys()) {
    FLYT_ASSIGN(const auto machine, machines->table(name));
    FLYT_ASSIGN(site.machines[name], read_settings(*machine, /*of_one=*/true));
  }
  return ok();
}

Result<Site> parse(std::string_view text, const std::filesystem::path& file,
                   std::span<const DriverEntry> drivers) {
  FLYT_ASSIGN(const auto root, TomlTable::parse(text, file.filename().string()));
  FLYT_TRY(root.only({"site", "move", "policy", "endpoints", "map", "defaults", "machines"}));
  Site site;
  site.file = file;
  FLYT_TRY(read_head(root, site));
  FLYT_TRY(read_policy(root, site.policy));
  FLYT_TRY(read_endpoints(root, drivers, site));
  FLYT_TRY(read_move(root, site));
  FLYT_TRY(read_mappings(root, site));
  FLYT_TRY(read_machines(root, site));
  site.digest = site_digest(site);
  return site;
}

}  // namespace

Result<Site> parse_site(std::string_view text, const std::filesystem::path& file,
                        std::span<const DriverEntry> drivers) {
  auto site = parse(text, file, drivers);
  if (!site && site.error().state.empty()) site.error().state = "nothing was done";
  return site;
}

Result<Site> read_site(const std::filesystem::path& file, std::span<const DriverEntry> drivers) {
  auto text = read_file(file, largest_site);
  if (!text && text.error().code == Errc::not_found) {
    return Error{.code = Errc::not_found,
                 .what = fmt::format("there is no site file {}", file.filename().string()),
                 .seen = fmt::format("looked for {}", file.string()),
                 .state = "nothing was done",
                 .remedy = {"flyt init", "or, where it has another name: flyt --site FILE ..."}};
  }
  if (!text) {
    Error error = std::move(text).error();
    error.state = "nothing was done";
    error.remedy = {"name a site file that you may read: flyt --site FILE ..."};
    return error;
  }
  return parse_site(*text, file, drivers);
}

}  // namespace flyt::cli
