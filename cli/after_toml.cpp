#include "cli/after_toml.hpp"

#include <fmt/format.h>

#include "base/units.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint32_t highest_order = 999999;
constexpr std::chrono::hours longest_delay{24};  // plans/plan_schema.cpp

using Names = std::vector<std::string>;

Status read_start(const TomlTable& table, AfterSettings& after) {
  FLYT_ASSIGN(after.start_at_boot, table.boolean("start_at_boot"));
  FLYT_ASSIGN(const auto order, table.integer("start_order"));
  if (order && (*order < 0 || *order > highest_order)) {
    return table.wrong("start_order", fmt::format("is a number from 0 to {}", highest_order), "1");
  }
  if (order) after.start_order = static_cast<std::uint32_t>(*order);
  FLYT_ASSIGN(const auto delay, table.text("start_delay"));
  if (!delay) return ok();
  const auto seconds = parse_duration(*delay);
  if (!seconds || seconds->count() < 0 || *seconds > longest_delay) {
    return table.wrong("start_delay", fmt::format("{:?} is no duration of at most a day", *delay),
                       R"("30 s")");
  }
  after.start_delay = static_cast<std::uint32_t>(seconds->count());
  return ok();
}

// An empty list says something else than none.
Result<std::optional<Names>> read_names(const TomlTable& table, std::string_view key) {
  if (table.kind(key) == TomlTable::Kind::absent) return std::optional<Names>();
  FLYT_ASSIGN(Names names, table.texts(key));
  for (const std::string& name : names) {
    if (name.empty()) return table.wrong(key, "a name in it is empty", "[\"NAME\"]");
  }
  return std::optional<Names>(std::move(names));
}

Status read_ha(const TomlTable& table, AfterSettings& after) {
  FLYT_ASSIGN(after.ha, table.text("ha"));
  if (after.ha && *after.ha != "started" && *after.ha != "ignored" && *after.ha != "none") {
    return table.wrong("ha", R"(is "started", "ignored" or "none")", R"("started")");
  }
  FLYT_ASSIGN(after.ha_group, table.text("ha_group"));
  FLYT_ASSIGN(after.ha_rules, read_names(table, "ha_rules"));
  return ok();
}

}  // namespace

Result<AfterSettings> read_after(const TomlTable& settings) {
  AfterSettings after;
  FLYT_ASSIGN(const auto table, settings.table("after"));
  if (!table) return after;
  FLYT_TRY(table->only({"start_at_boot", "start_order", "start_delay", "ha", "ha_group", "ha_rules",
                        "backup_jobs", "replicate_to", "replicate_schedule", "firewall"}));
  FLYT_TRY(read_start(*table, after));
  FLYT_TRY(read_ha(*table, after));
  FLYT_ASSIGN(after.backup_jobs, read_names(*table, "backup_jobs"));
  FLYT_ASSIGN(after.replicate_to, table->text("replicate_to"));
  FLYT_ASSIGN(after.replicate_schedule, table->text("replicate_schedule"));
  FLYT_ASSIGN(after.firewall, read_names(*table, "firewall"));
  return after;
}

}  // namespace flyt::cli
