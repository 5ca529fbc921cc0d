// world.json: an inventory document, and what an inventory does not show beside it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/enrolment_fields.hpp"
#include "base/inventory_json.hpp"
#include "base/members_json.hpp"
#include "drivers/memory/world.hpp"

namespace flyt {

template <>
struct Fields<EnrolmentChoices> {
  static void visit(auto& io, auto& choices) {
    io("ha_groups", choices.ha_groups);
    io("ha_rules", choices.ha_rules);
    io("backup_jobs", choices.backup_jobs);
    io("firewall", choices.firewall);
  }
};

namespace memory {
namespace {

using Json = nlohmann::json;
constexpr int format_version = 1;

Error wrong(std::string_view name, std::string_view wanted) {
  return {Errc::invalid, fmt::format("{} is not {}", name, wanted)};
}

Status take(const Json& value, std::string_view name, std::string& into) {
  if (!value.is_string()) return wrong(name, "a string");
  into = value.get<std::string>();
  return ok();
}

Status take(const Json& value, std::string_view name, bool& into) {
  if (!value.is_boolean()) return wrong(name, "true or false");
  into = value.get<bool>();
  return ok();
}

Status take(const Json& value, std::string_view name, std::uint64_t& into) {
  if (!value.is_number_unsigned()) return wrong(name, "a number from 0");
  into = value.get<std::uint64_t>();
  return ok();
}

// Times and sizes are numbers that a signed one holds as well.
template <typename Number>
Status take_number(const Json& value, std::string_view name, Number& into) {
  std::uint64_t number = 0;
  FLYT_TRY(take(value, name, number));
  if (number > std::uint64_t{1} << 53U) return wrong(name, "a number that fits");
  into = static_cast<Number>(number);
  return ok();
}

// Leaves `into` alone when the member is absent.
template <typename T>
Status member(const Json& object, const char* name, T& into) {
  const auto found = object.find(name);
  return found == object.end() ? ok() : take(*found, name, into);
}

template <typename Each>
Status each_of(const Json& object, const char* name, Each each) {
  const auto found = object.find(name);
  if (found == object.end()) return ok();
  if (!found->is_array()) return wrong(name, "an array");
  for (const Json& one : *found) FLYT_TRY(within(name, each(one)));
  return ok();
}

template <typename Each>
Status each_member(const Json& object, const char* name, Each each) {
  const auto found = object.find(name);
  if (found == object.end()) return ok();
  if (!found->is_object()) return wrong(name, "an object");
  for (const auto& item : found->items()) FLYT_TRY(within(name, each(item.key(), item.value())));
  return ok();
}

Json owner_json(const Owner& owner) { return {{"id", owner.id}, {"epoch", owner.epoch}}; }

Json view_json(const HeldView& held) {
  Json disks = Json::array();
  for (const ViewDisk& disk : held.view.disks) {
    disks.push_back(
        {{"disk", disk.disk}, {"change_id", disk.change_id}, {"left_out", disk.left_out}});
  }
  return {{"name", held.view.name},
          {"owner", held.owner},
          {"consistency", static_cast<unsigned>(held.view.got)},
          {"identity", held.view.identity},
          {"disks", disks}};
}

Result<ViewDisk> view_disk_from(const Json& json) {
  if (!json.is_object()) return wrong("a disk of a view", "an object");
  ViewDisk disk;
  FLYT_TRY(member(json, "disk", disk.disk));
  FLYT_TRY(member(json, "change_id", disk.change_id));
  FLYT_TRY(member(json, "left_out", disk.left_out));
  return disk;
}

Result<HeldView> view_from(const Json& json, const std::string& machine) {
  if (!json.is_object()) return wrong("a view", "an object");
  HeldView held;
  held.view.machine = machine;
  FLYT_TRY(member(json, "name", held.view.name));
  FLYT_TRY(member(json, "owner", held.owner));
  FLYT_TRY(member(json, "identity", held.view.identity));
  std::uint64_t consistency = 0;
  FLYT_TRY(member(json, "consistency", consistency));
  if (consistency > static_cast<unsigned>(Consistency::quiesced)) {
    return wrong("consistency", "0, 1 or 2");
  }
  held.view.got = static_cast<Consistency>(consistency);
  FLYT_TRY(each_of(json, "disks", [&](const Json& one) -> Status {
    FLYT_ASSIGN(ViewDisk disk, view_disk_from(one));
    held.view.disks.push_back(std::move(disk));
    return ok();
  }));
  return held;
}

Json inside_json(const Inside& inside) {
  Json views = Json::array();
  for (const HeldView& held : inside.views) views.push_back(view_json(held));
  Json json = {{"agent", inside.agent},           {"deaf", inside.deaf},
               {"host_name", inside.host_name},   {"addresses", inside.addresses},
               {"boots", inside.boots},           {"console", inside.console},
               {"tracking", inside.tracking},     {"changes", inside.changes},
               {"seeds", inside.seeds},           {"views", views},
               {"shown_from", inside.shown_from}, {"independent", inside.independent}};
  if (!inside.enrolled.empty()) json["enrolled"] = fields_json(inside.enrolled);
  return json;
}

Result<Inside> inside_from(const Json& json, const std::string& machine) {
  if (!json.is_object()) return wrong(machine, "an object");
  Inside inside;
  FLYT_TRY(member(json, "agent", inside.agent));
  FLYT_TRY(member(json, "deaf", inside.deaf));
  FLYT_TRY(member(json, "host_name", inside.host_name));
  FLYT_TRY(member(json, "boots", inside.boots));
  FLYT_TRY(member(json, "console", inside.console));
  FLYT_TRY(member(json, "tracking", inside.tracking));
  FLYT_TRY(member(json, "changes", inside.changes));
  if (json.contains("shown_from")) {
    FLYT_TRY(take_number(json["shown_from"], "shown_from", inside.shown_from));
  }
  FLYT_TRY(each_of(json, "addresses", [&](const Json& one) {
    return take(one, "an address", inside.addresses.emplace_back());
  }));
  FLYT_TRY(each_of(json, "independent", [&](const Json& one) {
    return take(one, "a disk", inside.independent.emplace_back());
  }));
  FLYT_TRY(each_member(json, "seeds", [&](const std::string& disk, const Json& seed) {
    return take(seed, disk, inside.seeds[disk]);
  }));
  if (const auto enrolled = json.find("enrolled"); enrolled != json.end()) {
    FLYT_ASSIGN(inside.enrolled, fields_from<Enrolment>(*enrolled, "enrolled", Words::lenient));
  }
  FLYT_TRY(each_of(json, "views", [&](const Json& one) -> Status {
    FLYT_ASSIGN(HeldView held, view_from(one, machine));
    inside.views.push_back(std::move(held));
    return ok();
  }));
  return inside;
}

Json server_json(const Server& server) {
  return {{"machine", server.machine},          {"disk", server.disk},
          {"writes", server.use == Use::write}, {"owner", owner_json(server.owner)},
          {"pid", server.process.pid},          {"start", server.process.start},
          {"boot", server.process.boot}};
}

Result<Server> server_from(const Json& json) {
  if (!json.is_object()) return wrong("a server", "an object");
  Server server;
  bool writes = false;
  FLYT_TRY(member(json, "machine", server.machine));
  FLYT_TRY(member(json, "disk", server.disk));
  FLYT_TRY(member(json, "writes", writes));
  server.use = writes ? Use::write : Use::read;
  if (const auto owner = json.find("owner"); owner != json.end() && owner->is_object()) {
    FLYT_TRY(member(*owner, "id", server.owner.id));
    FLYT_TRY(member(*owner, "epoch", server.owner.epoch));
  }
  if (!json.contains("pid")) return wrong("pid", "there");
  std::uint64_t pid = 0;
  FLYT_TRY(member(json, "pid", pid));
  if (pid < 2 || pid > 1U << 22U) return wrong("pid", "the number of a process");  // PID_MAX_LIMIT
  server.process.pid = static_cast<int>(pid);
  FLYT_TRY(member(json, "start", server.process.start));
  FLYT_TRY(member(json, "boot", server.process.boot));
  return server;
}

Json habits_json(const Habits& habits) {
  return {{"settle_ms", habits.settle.count()},
          {"round_bytes", habits.round_bytes},
          {"token_sha256", habits.token_sha256},
          {"created", inside_json(habits.created)}};
}

Result<Habits> habits_from(const Json& json) {
  if (!json.is_object()) return wrong("habits", "an object");
  Habits habits;
  if (json.contains("settle_ms")) {
    std::int64_t settle = 0;
    FLYT_TRY(take_number(json["settle_ms"], "settle_ms", settle));
    habits.settle = std::chrono::milliseconds(settle);
  }
  FLYT_TRY(member(json, "round_bytes", habits.round_bytes));
  if (habits.round_bytes == 0) return wrong("round_bytes", "a number from 1");
  FLYT_TRY(member(json, "token_sha256", habits.token_sha256));
  if (const auto created = json.find("created"); created != json.end()) {
    FLYT_ASSIGN(habits.created, inside_from(*created, "created"));
  }
  return habits;
}

Result<Finding> finding_from(const Json& json) {
  if (!json.is_object()) return wrong("a finding", "an object");
  Finding finding;
  FLYT_TRY(member(json, "text", finding.text));
  FLYT_TRY(member(json, "must", finding.must));
  FLYT_TRY(each_of(json, "remedy", [&](const Json& one) {
    return take(one, "a line of a remedy", finding.remedy.emplace_back());
  }));
  return finding;
}

Result<World> world_from(const Json& json) {
  if (!json.is_object()) return wrong("the world", "a JSON object");
  std::uint64_t format = format_version;
  FLYT_TRY(member(json, "format", format));
  if (format != format_version) {
    return Error{Errc::invalid, fmt::format("format {} of a world is not known here", format)};
  }
  World world;
  FLYT_ASSIGN(world.ground, inventory_from(json));
  FLYT_TRY(each_member(json, "inside", [&](const std::string& id, const Json& one) -> Status {
    FLYT_ASSIGN(world.inside[id], inside_from(one, id));
    return ok();
  }));
  FLYT_TRY(each_of(json, "findings", [&](const Json& one) -> Status {
    FLYT_ASSIGN(world.ground.findings.emplace_back(), finding_from(one));
    return ok();
  }));
  FLYT_TRY(each_of(json, "servers", [&](const Json& one) -> Status {
    FLYT_ASSIGN(Server server, server_from(one));
    world.servers.push_back(std::move(server));
    return ok();
  }));
  if (const auto choices = json.find("choices"); choices != json.end()) {
    FLYT_ASSIGN(world.choices, fields_from<EnrolmentChoices>(*choices, "choices", Words::lenient));
  }
  if (const auto habits = json.find("habits"); habits != json.end()) {
    FLYT_ASSIGN(world.habits, habits_from(*habits));
  }
  return world;
}

}  // namespace

Result<World> parse_world(std::string_view text) {
  FLYT_ASSIGN(const Json json, parse_document(text, "world.json"));
  return world_from(json);
}

std::string world_text(const World& world) {
  Json json = to_json(world.ground);
  json["format"] = format_version;
  json["habits"] = habits_json(world.habits);
  const EnrolmentChoices& choices = world.choices;
  if (choices.ha_groups || choices.ha_rules || choices.backup_jobs || choices.firewall) {
    json["choices"] = fields_json(choices);
  }
  json["inside"] = Json::object();
  for (const auto& [id, inside] : world.inside) json["inside"][id] = inside_json(inside);
  json["findings"] = Json::array();
  for (const Finding& one : world.ground.findings) {
    json["findings"].push_back({{"text", one.text}, {"remedy", one.remedy}, {"must", one.must}});
  }
  json["servers"] = Json::array();
  for (const Server& server : world.servers) json["servers"].push_back(server_json(server));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace memory
}  // namespace flyt
