#include "base/inventory_json.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

// Every member differs from its default.
Machine full_machine() {
  Machine machine;
  machine.id = "vm-1";
  machine.uuid = "u";
  machine.smbios_uuid = "s";
  machine.generation_id = "g";
  machine.name = "web01";
  machine.folder = "Drift/Web";
  machine.tags = {"pilot", "web"};
  machine.notes = "n";
  machine.migration_id = "flyt-x";
  machine.host = "h1";
  machine.power = Power::suspended;
  machine.is_template = true;
  machine.cpus = 4;
  machine.sockets = 2;
  machine.memory_bytes = std::uint64_t{1} << 40;
  machine.firmware = {FirmwareKind::uefi, true, false};
  machine.clock = ClockBase::local_time;
  machine.guest = {GuestFamily::windows, "windows2019srv_64Guest", "Windows", "web01.local"};
  machine.disks = {
      {"d0", "du", "Hard disk 1", 1U << 30, 5, Bus::nvme, "nvme", "s1", "raw", true, true, "left"}};
  machine.nics = {{"n0", "00:50:56:00:00:01", "Servere", "VmxNet3", false, {"10.0.0.1"}}};
  machine.devices = {{DeviceKind::cdrom, "CD/DVD drive 1", "[iso] x.iso"}};
  machine.tools = {ToolsState::stopped, "12352", true};
  machine.hosting = {"c1", "Drift/Web", 500,  1U << 30, true,  false, true, true,
                     true, true,        true, 3,        false, true,  86400};
  machine.concerns = {{"V-VTPM", Severity::blocker, "web01", "vTPM", "remove it"}};
  machine.unreadable = "locked";
  return machine;
}

Inventory full_inventory() {
  Inventory inventory;
  inventory.endpoint = "vcenter";
  inventory.driver = "vsphere";
  inventory.platform = "vSphere 8";
  inventory.platform_id = "pid";
  inventory.place = {"ovh", "GRA", "FR", "site"};
  inventory.machines = {full_machine(), Machine{}};
  inventory.hosts = {{"h1", "esx1", 8, 64, 32, {"", "r", "DK", ""}, "Xeon", 7}};
  inventory.storages = {{"s1", "ds1", "datastore", 100, 50}};
  inventory.networks = {{"net", "Servere", "portgroup", 120, true}};
  inventory.volumes = {{"v", "disk", "s1", "iso", "raw", 7, "flyt-y"}};
  inventory.rules = {{"dbs", "c1", AffinityKind::on_hosts, true, {"vm-1"}, {"h1"}}};
  inventory.notes = {"note"};
  inventory.can_cut_over = true;
  inventory.can_track = true;
  inventory.dns_names = true;
  return inventory;
}

bool has_default(const Json& json) {
  if (json.is_object() || json.is_array()) {
    return json.empty() ||
           std::any_of(json.begin(), json.end(), [](const Json& one) { return has_default(one); });
  }
  return json.is_null() || (json.is_string() && json.get<std::string>().empty()) || json == 0 ||
         json == "unknown";
}

TEST_CASE("an inventory survives being written and read", "[inventory_json]") {
  const Inventory inventory = full_inventory();
  const Json written = to_json(inventory);
  CHECK_FALSE(has_default(to_json(full_machine())));  // else the next line proves less
  CHECK(to_json(parse_inventory(inventory_text(inventory)).value()) == written);
  CHECK(to_json(inventory_from(Json::object()).value()) == to_json(Inventory{}));
}

TEST_CASE("what is unknown is written as null", "[inventory_json]") {
  const Json written = to_json(Machine{});
  CHECK(written.at("cpus").is_null());
  CHECK(written.at("firmware").at("secure_boot").is_null());
  CHECK(machine_from(written)->cpus == std::nullopt);
}

TEST_CASE("what nouns did not have at first is left out while it is unknown", "[inventory_json]") {
  const Json written = to_json(Machine{});
  for (const char* member : {"smbios_uuid", "generation_id", "devices", "tools", "hosting"}) {
    INFO(member);
    CHECK_FALSE(written.contains(member));
  }
  Machine machine;
  machine.hosting.snapshots = 0;
  CHECK(to_json(machine).at("hosting") == Json{{"snapshots", 0}});
  machine.tools.old = false;
  CHECK(to_json(machine).at("tools") == Json{{"old", false}});
}

TEST_CASE("a wrong member is named", "[inventory_json]") {
  Json json = to_json(full_inventory());
  json["machines"][0]["disks"][0]["size_bytes"] = -1;
  const auto failed = inventory_from(json);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::invalid);
  CHECK(failed.error().what.find("machines[0].disks[0].size_bytes") == 0);
  for (const char* text : {"", "{", "[]", "1", "{}", R"({"type": "plan"})"}) {
    INFO(text);
    CHECK(parse_inventory(text).error().code == Errc::invalid);
  }
  for (const std::string member :
       {R"("machines": {})", R"("machines": [1])", R"("notes": [1])", R"("place": "DK")",
        R"("endpoint": 1)", R"("hosts": [{"cpus": 4294967296}])",
        R"("machines": [{"is_template": "no"}])",
        R"("machines": [{"concerns": [{"severity": "odd"}]}])"}) {
    INFO(member);
    const auto wrong = parse_inventory(R"({"type": "inventory", )" + member + "}");
    CHECK(wrong.error().code == Errc::invalid);
    CHECK(wrong.error().what.find("must be") != std::string::npos);
  }
  CHECK(parse_inventory(R"({"type": "inventory", "later": 1, "machines": [{"power": "later"}]})"));
}

TEST_CASE("names that are no UTF-8 do not cost the document", "[inventory_json]") {
  Inventory inventory;
  inventory.endpoint = "\xff";
  CHECK(parse_inventory(inventory_text(inventory)));
}

TEST_CASE("verdicts, concerns and errors survive too", "[inventory_json]") {
  const Verdict verdict{Question::operator_, Answer::fail, Basis::measured, "DK", "w", {"e"}, "t"};
  CHECK(to_json(verdict_from(to_json(verdict)).value()) == to_json(verdict));
  CHECK_FALSE(verdict_from(Json{{"answer", "MAYBE"}}));
  const Error error{Errc::corrupt, "what", "seen", "why", "state", {"do"}};
  Error read;
  REQUIRE(error_from(to_json(error), read));
  CHECK(to_json(read) == to_json(error));
  CHECK_FALSE(error_from(Json{{"code", "odd"}}, read));
  const Concern concern{"C", Severity::warning, "m", "t", "r"};
  CHECK(to_json(concern_from(to_json(concern)).value()) == to_json(concern));
}

}  // namespace
}  // namespace flyt
