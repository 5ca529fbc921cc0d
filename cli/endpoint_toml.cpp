#include "cli/endpoint_toml.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/uri.hpp"
#include "cli/after_toml.hpp"
#include "cli/countries.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint32_t largest_vlan = 4094;
constexpr unsigned most_connections = 64;
constexpr unsigned most_free = 90;  // percent
constexpr unsigned most_waves = 1000;
constexpr std::string_view example_rate = R"("200 MiB/s")";
constexpr std::chrono::hours longest_boot{24};  // plans/plan_schema.cpp

Error wrong_country(const TomlTable& table, std::string_view key, std::string_view code,
                    Groups groups) {
  Error error =
      table.wrong(key, fmt::format("{:?} is no ISO 3166-1 country code", std::string(code)));
  if (const auto likely = likely_country(code); !likely.empty()) {
    error.remedy.push_back(fmt::format("write {}", likely));
  } else if (groups == Groups::allowed) {
    error.remedy.emplace_back("write two capital letters such as DK, or EU or EEA");
  } else {
    error.remedy.emplace_back("write two capital letters such as DK");
  }
  return error;
}

Status check_country(const TomlTable& table, std::string_view key, std::string_view code,
                     Groups groups) {
  const bool group = code == "EU" || code == "EEA";
  if (is_country(code) || (group && groups == Groups::allowed)) return ok();
  return wrong_country(table, key, code, groups);
}

Result<std::string> needed_text(const TomlTable& table, std::string_view key) {
  FLYT_ASSIGN(auto text, table.text(key));
  if (!text || text->empty()) return table.wrong(key, "is missing", "\"TEXT\"");
  return *std::move(text);
}

Error mixed_ground(const TomlTable& endpoint) {
  Error error = endpoint.wrong("ground",
                               "is either { provider, region } or { country, operator, owner, "
                               "control }, not a mixture");
  error.remedy = {
      "name a provider of the registry:", R"(ground = { provider = "hetzner", region = "fsn1" })",
      "or state it yourself:", R"(ground = { country = "DK", operator = "NAME", owner = "NAME" })"};
  return error;
}

Result<std::optional<Ground>> read_ground(const TomlTable& endpoint) {
  FLYT_ASSIGN(const auto table, endpoint.table("ground"));
  if (!table) return std::optional<Ground>();
  FLYT_TRY(table->only({"country", "operator", "owner", "control", "provider", "region"}));
  const auto keys = table->keys();
  const auto says = [&](std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  Ground ground;
  if (says("provider") || says("region")) {
    if (keys.size() != 2 || !says("provider") || !says("region")) {
      return mixed_ground(endpoint);
    }
    FLYT_ASSIGN(ground.provider, needed_text(*table, "provider"));
    FLYT_ASSIGN(ground.region, needed_text(*table, "region"));
    return std::optional<Ground>(std::move(ground));
  }
  FLYT_ASSIGN(ground.country, needed_text(*table, "country"));
  FLYT_TRY(check_country(*table, "country", ground.country, Groups::refused));
  FLYT_ASSIGN(ground.operator_name, needed_text(*table, "operator"));
  FLYT_ASSIGN(ground.owner, needed_text(*table, "owner"));
  FLYT_ASSIGN(ground.control, read_countries(*table, "control", Groups::refused));
  return std::optional<Ground>(std::move(ground));
}

Status read_view_limits(const TomlTable& table, Limits& limits) {
  FLYT_ASSIGN(const auto free, table.integer("view_min_free"));
  if (free && (*free < 0 || *free > most_free)) {
    return table.wrong("view_min_free", fmt::format("is a percentage from 0 to {}", most_free),
                       "15");
  }
  if (free) limits.view_min_free = static_cast<unsigned>(*free);
  FLYT_ASSIGN(const auto age, table.text("view_max_age"));
  if (!age) return ok();
  const auto seconds = parse_duration(*age);
  if (!seconds || seconds->count() <= 0) {
    return table.wrong("view_max_age", fmt::format("{:?} is no duration", *age), R"("24 h")");
  }
  limits.view_max_age = *seconds;
  return ok();
}

Result<Limits> read_limits(const TomlTable& endpoint) {
  Limits limits;
  FLYT_ASSIGN(const auto table, endpoint.table("limits"));
  if (!table) return limits;
  FLYT_TRY(table->only({"rate", "connections", "view_min_free", "view_max_age"}));
  FLYT_TRY(read_view_limits(*table, limits));
  if (table->kind("rate") == TomlTable::Kind::integer) {
    return table->wrong("rate", "needs a unit", example_rate);
  }
  FLYT_ASSIGN(const auto rate, table->text("rate"));
  if (rate) {
    const auto bytes = parse_size(*rate);
    if (!bytes || *bytes == 0) {
      return table->wrong("rate", fmt::format("{:?} is no rate", *rate), example_rate);
    }
    limits.rate = *bytes;
  }
  FLYT_ASSIGN(const auto connections, table->integer("connections"));
  if (connections && (*connections < 1 || *connections > most_connections)) {
    return table->wrong("connections", fmt::format("is a number from 1 to {}", most_connections),
                        "8");
  }
  limits.connections = static_cast<unsigned>(connections.value_or(0));
  return limits;
}

Error wrong_secret(const TomlTable& endpoint, std::string_view key, std::string_view what) {
  Error error = endpoint.wrong(key, what);
  error.remedy = {"say where it comes from, one of:",
                  fmt::format("{} = {{ file = \"{}.secret\" }}       # mode 0600", key, key),
                  fmt::format("{} = {{ env = \"FLYT_SECRET\" }}", key),
                  fmt::format("{} = {{ command = \"pass show NAME\" }}", key)};
  return error;
}

Error literal_secret(const TomlTable& endpoint, std::string_view key) {
  Error error = wrong_secret(endpoint, key, "a secret does not stand in the site file");
  error.why = "whoever reads the file, its backups or its history reads the secret";
  return error;
}

Result<SecretSource> read_secret(const TomlTable& endpoint, std::string_view key) {
  if (endpoint.kind(key) == TomlTable::Kind::text) return literal_secret(endpoint, key);
  FLYT_ASSIGN(const auto table, endpoint.table(key));
  FLYT_TRY(table->only({"file", "env", "command"}));
  const auto keys = table->keys();
  if (keys.size() != 1) {
    return wrong_secret(endpoint, key, "a secret comes from exactly one place");
  }
  using Kind = SecretSource::Kind;
  FLYT_ASSIGN(auto value, needed_text(*table, keys.front()));
  const Kind kind = keys.front() == "file"  ? Kind::file
                    : keys.front() == "env" ? Kind::env
                                            : Kind::command;
  return SecretSource{kind, std::move(value)};
}

// Values that are not texts are kept as they would be written.
Result<std::string> read_value(const TomlTable& endpoint, std::string_view key) {
  switch (endpoint.kind(key)) {
    case TomlTable::Kind::integer: {
      FLYT_ASSIGN(const auto number, endpoint.integer(key));
      return fmt::format("{}", *number);
    }
    case TomlTable::Kind::boolean: {
      FLYT_ASSIGN(const auto truth, endpoint.boolean(key));
      return std::string(*truth ? "true" : "false");
    }
    default: {
      FLYT_ASSIGN(auto text, endpoint.text(key));
      return *std::move(text);
    }
  }
}

Result<const DriverEntry*> find_driver(const TomlTable& endpoint,
                                       std::span<const DriverEntry> drivers) {
  FLYT_ASSIGN(const auto name, needed_text(endpoint, "driver"));
  std::vector<std::string_view> names;
  for (const auto& driver : drivers) {
    if (driver.name == name) return &driver;
    names.push_back(driver.name);
  }
  Error error = endpoint.wrong("driver", fmt::format("there is no driver {:?}", name));
  if (const auto near = nearest(name, names); !near.empty()) {
    error.remedy.push_back(fmt::format("write {}", near));
  }
  error.remedy.emplace_back("flyt drivers");
  return error;
}

Status read_keys(const TomlTable& table, const DriverEntry& driver, EndpointConfig& config) {
  std::vector<std::string_view> known = {"driver", "ground", "limits"};
  for (const auto& key : driver.keys) known.push_back(key.name);
  FLYT_TRY(table.only(known));
  for (const auto& key : driver.keys) {
    const std::string name(key.name);
    if (table.kind(name) == TomlTable::Kind::absent) {
      if (!key.required) continue;
      Error error = table.wrong("", fmt::format("{} is missing", key.name));
      error.remedy.push_back(fmt::format("{} is {}", key.name, key.help));
      return error;
    }
    if (key.secret) {
      FLYT_ASSIGN(config.secrets[name], read_secret(table, name));
    } else {
      FLYT_ASSIGN(config.values[name], read_value(table, name));
    }
  }
  return ok();
}

Error wrong_probe(const TomlTable& table) {
  Error error = table.wrong("", "this is no probe");
  error.remedy = {"write one of:", R"({ tcp = "HOST:PORT" })", R"({ http = "URL", expect = 200 })",
                  "{ agent = true }"};
  return error;
}

bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = text.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string_view::npos;
  return digits && std::stoul(std::string(port)) >= 1 && std::stoul(std::string(port)) <= 65535;
}

Result<Probe> read_http_probe(const TomlTable& table) {
  FLYT_TRY(table.only({"http", "expect"}));
  FLYT_ASSIGN(auto url, needed_text(table, "http"));
  const auto uri = Uri::parse(url);
  if (!uri || (uri->scheme != "http" && uri->scheme != "https") || uri->host.empty()) {
    return table.wrong("http", fmt::format("{:?} is no http or https URL", url),
                       R"("http://HOST/PATH")");
  }
  FLYT_ASSIGN(const auto expect, table.integer("expect"));
  if (expect && (*expect < 100 || *expect > 599)) {
    return table.wrong("expect", "is an HTTP status, 100 to 599", "200");
  }
  return Probe{Probe::Kind::http, std::move(url), static_cast<int>(expect.value_or(200))};
}

Result<Probe> read_probe(const TomlTable& table) {
  if (table.kind("http") != TomlTable::Kind::absent) return read_http_probe(table);
  if (table.kind("tcp") != TomlTable::Kind::absent) {
    FLYT_TRY(table.only({"tcp"}));
    FLYT_ASSIGN(auto target, needed_text(table, "tcp"));
    if (!is_host_and_port(target)) {
      return table.wrong("tcp", fmt::format("{:?} is not host:port", target), R"("HOST:22")");
    }
    return Probe{Probe::Kind::tcp, std::move(target)};
  }
  FLYT_TRY(table.only({"tcp", "http", "expect", "agent"}));
  FLYT_ASSIGN(const auto agent, table.boolean("agent"));
  if (!agent || !*agent) return wrong_probe(table);
  return Probe{Probe::Kind::agent, ""};
}

Result<std::optional<Convert>> read_convert(const TomlTable& table) {
  FLYT_ASSIGN(const auto word, table.text("convert"));
  if (!word) return std::optional<Convert>();
  if (*word == "auto") return std::optional<Convert>(Convert::automatic);
  if (*word == "virt-v2v") return std::optional<Convert>(Convert::virt_v2v);
  if (*word == "none") return std::optional<Convert>(Convert::none);
  if (*word == "in-guest") return std::optional<Convert>(Convert::in_guest);
  return table.wrong("convert", R"(is "auto", "virt-v2v", "in-guest" or "none")", R"("auto")");
}

// How long a guest is waited for.
Result<std::optional<std::chrono::seconds>> read_patience(const TomlTable& table,
                                                          std::string_view key,
                                                          std::string_view example) {
  FLYT_ASSIGN(const auto text, table.text(key));
  if (!text) return std::optional<std::chrono::seconds>();
  const auto seconds = parse_duration(*text);
  if (!seconds || seconds->count() <= 0 || *seconds > longest_boot) {
    return table.wrong(key, fmt::format("{:?} is no duration of at most a day", *text), example);
  }
  return std::optional(*seconds);
}

Result<std::optional<bool>> read_tpm(const TomlTable& table) {
  FLYT_ASSIGN(const auto word, table.text("tpm"));
  if (!word) return std::optional<bool>();
  if (*word == "new") return std::optional<bool>(true);
  if (*word == "none") return std::optional<bool>(false);
  return table.wrong("tpm", R"(is "new" or "none")", R"("new")");
}

}  // namespace

Result<std::vector<std::string>> read_countries(const TomlTable& table, std::string_view key,
                                                Groups groups) {
  FLYT_ASSIGN(auto codes, table.texts(key));
  for (const auto& code : codes) FLYT_TRY(check_country(table, key, code, groups));
  return codes;
}

Result<EndpointConfig> read_endpoint(const TomlTable& table, std::span<const DriverEntry> drivers) {
  FLYT_ASSIGN(const DriverEntry* const driver, find_driver(table, drivers));
  EndpointConfig config;
  config.driver = driver->name;
  FLYT_TRY(read_keys(table, *driver, config));
  FLYT_ASSIGN(config.ground, read_ground(table));
  FLYT_ASSIGN(config.limits, read_limits(table));
  return config;
}

Result<NetworkTarget> read_network_target(const TomlTable& table, std::string_view key) {
  NetworkTarget target;
  if (table.kind(key) != TomlTable::Kind::table) {
    FLYT_ASSIGN(target.network, needed_text(table, key));
    return target;
  }
  FLYT_ASSIGN(const auto inner, table.table(key));
  FLYT_TRY(inner->only({"network", "vlan"}));
  FLYT_ASSIGN(target.network, needed_text(*inner, "network"));
  FLYT_ASSIGN(const auto vlan, inner->integer("vlan"));
  if (!vlan) return target;
  if (*vlan < 1 || *vlan > largest_vlan) {
    return inner->wrong("vlan", fmt::format("is a number from 1 to {}", largest_vlan), "100");
  }
  target.vlan = static_cast<std::uint32_t>(*vlan);
  return target;
}

Result<MachineSettings> read_settings(const TomlTable& table, bool of_one) {
  std::vector<std::string_view> known = {"convert",     "boot_timeout", "marker",
                                         "settle",      "probes",       "track_changes",
                                         "secure_boot", "tpm",          "after"};
  if (of_one) known.insert(known.begin(), {"name", "wave"});
  FLYT_TRY(table.only(known));
  MachineSettings settings;
  FLYT_ASSIGN(settings.convert, read_convert(table));
  FLYT_ASSIGN(settings.name, table.text("name"));
  if (settings.name && settings.name->empty()) return table.wrong("name", "is empty", R"("NAME")");
  FLYT_ASSIGN(const auto wave, table.integer("wave"));
  if (wave && (*wave < 1 || *wave > most_waves)) {
    return table.wrong("wave", fmt::format("is a number from 1 to {}", most_waves), "1");
  }
  if (wave) settings.wave = static_cast<unsigned>(*wave);
  FLYT_ASSIGN(settings.marker, table.text("marker"));
  FLYT_ASSIGN(settings.track_changes, table.boolean("track_changes"));
  FLYT_ASSIGN(settings.secure_boot, table.boolean("secure_boot"));
  FLYT_ASSIGN(settings.new_tpm, read_tpm(table));
  FLYT_ASSIGN(settings.after, read_after(table));
  FLYT_ASSIGN(settings.boot_timeout, read_patience(table, "boot_timeout", R"("180 s")"));
  FLYT_ASSIGN(settings.settle, read_patience(table, "settle", R"("60 s")"));
  FLYT_ASSIGN(const auto probes, table.tables("probes"));
  for (const auto& probe : probes) {
    FLYT_ASSIGN(auto read, read_probe(probe));
    settings.probes.push_back(std::move(read));
  }
  return settings;
}

}  // namespace flyt::cli
