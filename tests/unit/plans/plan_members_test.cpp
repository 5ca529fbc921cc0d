#include <fstream>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/inventory_json.hpp"
#include "plans/canonical_json.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

Machine full_source() {
  Machine machine;
  machine.id = "vm-1";
  machine.uuid = "u";
  machine.name = "web01";
  machine.folder = "Drift/Web";
  machine.tags = {"pilot"};
  machine.notes = "n";
  machine.migration_id = "flyt-old";
  machine.host = "h1";
  machine.power = Power::suspended;
  machine.is_template = true;
  machine.cpus = 4;
  machine.sockets = 2;
  machine.memory_bytes = std::uint64_t{1} << 40U;
  machine.firmware = {FirmwareKind::uefi, true, false};
  machine.clock = ClockBase::local_time;
  machine.guest = {GuestFamily::windows, "windows2019srv_64Guest", "Windows", "web01.local"};
  machine.disks = {{"d0", "du", "Disk 1", 1U << 30U, 5, Bus::virtio_scsi, "pvscsi", "s1", "raw",
                    true, true, "x"}};
  machine.nics = {{"n0", "00:50:56:00:00:01", "Servere", "VmxNet3", false, {"10.0.0.1"}}};
  machine.concerns = {{"V-VTPM", Severity::warning, "web01", "vTPM", "remove it"}};
  machine.unreadable = "locked";
  return machine;
}

// Every member differs from its default.
Plan full_plan() {
  PlannedMachine machine;
  machine.migration_id = "flyt-aaaaaaaaaaaaaaaaaaaa";
  machine.source = full_source();
  machine.spec = {{"flyt-aaaaaaaaaaaaaaaaaaaa", 0},
                  "web01",
                  "uuid",
                  "from vcenter",
                  4,
                  2,
                  1U << 30U,
                  FirmwareKind::uefi,
                  true,
                  false,
                  ClockBase::local_time,
                  {GuestFamily::linux, "i", "n", "h"},
                  {{1U << 30U, Bus::virtio_blk, "pvscsi", "default", "qcow2", true}},
                  {{"00:50:56:00:00:01", "lan", 120, "virtio"}}};
  machine.convert = true;
  machine.convert_why = "Windows";
  machine.placement_why = "fits";
  machine.facts = {{Fact::Kind::pinned, "source disk 0", "uuid", "du"},
                   {Fact::Kind::bounded, "target storage default", "free_bytes", "80"},
                   {Fact::Kind::noted, "source", "host", "h1"}};
  machine.probes = {{Probe::Kind::tcp, "web01:22", 200},
                    {Probe::Kind::http, "http://web01/", 204},
                    {Probe::Kind::agent, "agent", 0}};
  machine.marker = "login:";
  machine.boot_timeout = std::chrono::seconds(99);
  machine.copy_bytes = 5;
  machine.adopts = std::string(64, 'a');
  Plan plan;
  plan.flyt_version = "0.1.0";
  plan.site_id = "sid";
  plan.site_name = "Rådhuset";
  plan.site_digest = std::string(64, 'b');
  plan.source = "vcenter";
  plan.target = "kvm";
  plan.source_platform_id = "sp";
  plan.target_platform_id = "tp";
  plan.inventory_digest = std::string(64, 'c');
  plan.machines = {machine};
  plan.waves = {{"1", {"flyt-aaaaaaaaaaaaaaaaaaaa"}}};
  plan.concerns = {{"V-RDM", Severity::blocker, "db01", "raw disk", "detach"}};
  plan.ground = {{Question::operator_, Answer::fail, Basis::registry, "DK", "why", {"e"}, "t"}};
  plan.estimate = {10, 5, std::chrono::seconds(1), std::chrono::seconds(2),
                   std::chrono::seconds(3)};
  return plan;
}

TEST_CASE("how long a guest has for its drivers comes back", "[plans][document]") {
  Plan plan = full_plan();
  plan.machines[0].introduce = std::chrono::seconds(45);
  const auto again = parse_plan(plan_text(plan));
  REQUIRE(again);
  CHECK(again->machines.at(0).introduce == std::chrono::seconds(45));
}

TEST_CASE("every member of a plan comes back", "[plans][document]") {
  const auto plan = parse_plan(plan_text(full_plan()));
  if (!plan) FAIL(plan.error().what << " " << plan.error().seen);
  const PlannedMachine& machine = plan->machines.at(0);
  CHECK(to_json(machine.source) == to_json(full_source()));
  const MachineSpec& spec = machine.spec;
  CHECK(spec.uuid == "uuid");
  CHECK(spec.notes == "from vcenter");
  CHECK(spec.cpus == 4);
  CHECK(spec.sockets == 2);
  CHECK(spec.memory_bytes == 1U << 30U);
  CHECK(spec.firmware == FirmwareKind::uefi);
  CHECK(spec.secure_boot);
  CHECK(spec.clock == ClockBase::local_time);
  CHECK(spec.guest.family == GuestFamily::linux);
  CHECK(spec.guest.host_name == "h");
  CHECK(spec.disks.at(0).controller == "pvscsi");
  CHECK(spec.disks.at(0).storage == "default");
  CHECK(spec.disks.at(0).format == "qcow2");
  CHECK(spec.disks.at(0).boots);
  CHECK(spec.nics.at(0).model == "virtio");
  CHECK(machine.convert);
  CHECK(machine.convert_why == "Windows");
  CHECK(machine.placement_why == "fits");
  CHECK(machine.facts.at(1).kind == Fact::Kind::bounded);
  CHECK(machine.facts.at(2).value == "h1");
  CHECK(machine.probes.at(0).kind == Probe::Kind::tcp);
  CHECK(machine.probes.at(2).kind == Probe::Kind::agent);
  CHECK(machine.marker == "login:");
  CHECK(machine.copy_bytes == 5);
  CHECK(machine.adopts == std::string(64, 'a'));
  CHECK(plan->flyt_version == "0.1.0");
  CHECK(plan->site_id == "sid");
  CHECK(plan->site_name == "Rådhuset");
  CHECK(plan->site_digest == std::string(64, 'b'));
  CHECK(plan->inventory_digest == std::string(64, 'c'));
  CHECK(plan->source_platform_id == "sp");
  CHECK(plan->target_platform_id == "tp");
  CHECK(plan->waves.at(0).machines.size() == 1);
  CHECK(to_json(plan->concerns.at(0)) == to_json(full_plan().concerns.at(0)));
  CHECK(to_json(plan->ground.at(0)) == to_json(full_plan().ground.at(0)));
  CHECK(plan->estimate.disk_bytes == 10);
  CHECK(plan->estimate.copy_bytes == 5);
  CHECK(plan->estimate.low == std::chrono::seconds(1));
  CHECK(plan->estimate.high == std::chrono::seconds(3));
}

TEST_CASE("the same plan gives the same bytes", "[plans][document]") {
  CHECK(plan_text(full_plan()) == plan_text(full_plan()));
}

TEST_CASE("what plans did not have at first comes back too", "[plans][document]") {
  Plan plan = full_plan();
  Machine& source = plan.machines[0].source;
  source.smbios_uuid = "s";
  source.devices = {{DeviceKind::usb, "USB 1", "path:1/0"}};
  source.tools.state = ToolsState::running;
  source.hosting.cluster = "c1";
  plan.machines[0].track_changes = true;
  plan.machines[0].after = {
      true, 7, 30, "started", "north", {"apart"}, {"nightly", "weekly"}, "pve2", "*/30", {"web"}};
  plan.machines[0].spec.generation_id = "09512cc5-940a-8987-b950-f54f631015e8";
  plan.machines[0].spec.tpm = true;
  const auto read = parse_plan(plan_text(plan));
  if (!read) FAIL(read.error().what << " " << read.error().seen);
  CHECK(to_json(read->machines[0].source) == to_json(source));
  CHECK(read->machines[0].track_changes);
  CHECK(read->machines[0].after == plan.machines[0].after);
  CHECK(read->machines[0].spec.generation_id == plan.machines[0].spec.generation_id);
  CHECK(read->machines[0].spec.tpm);
}

TEST_CASE("a TPM that nobody asked for is not in the plan", "[plans][document]") {
  Plan plan = full_plan();
  const auto spec = [&plan] { return Json::parse(plan_text(plan))["machines"][0]["spec"]; };
  CHECK_FALSE(spec().contains("tpm"));
  plan.machines[0].spec.tpm = true;
  CHECK(spec()["tpm"] == true);
}

Json with_digest(Json json) {
  json.erase("digest");
  json["digest"] = to_hex(sha256(*canonical_text(json)));
  return json;
}

TEST_CASE("what nobody asks for after landing is not in the plan", "[plans][document]") {
  Plan plan = full_plan();
  CHECK_FALSE(Json::parse(plan_text(plan))["machines"][0].contains("after"));
  plan.machines[0].after.backup_jobs = {"nightly"};
  CHECK(Json::parse(plan_text(plan))["machines"][0]["after"] == Json{{"backup_jobs", {"nightly"}}});
  Json json = Json::parse(plan_text(plan));
  json["machines"][0]["after"]["ha"] = "stopped";  // nobody may have that done to what has landed
  CHECK_FALSE(parse_plan(with_digest(json).dump()));
}

// Plans that lie on disks and digests in journals must stay what they are.
TEST_CASE("a plan says what lands later where something does", "[plans][document]") {
  Plan plan = full_plan();
  CHECK(plan_text(plan).find("land_bytes") == std::string::npos);
  plan.estimate.land_bytes = 4;
  plan.estimate.land = std::chrono::seconds(5);
  const auto back = parse_plan(plan_text(plan));
  if (!back) FAIL(back.error().what << " " << back.error().seen);
  CHECK(back->estimate.land_bytes == 4);
  CHECK(back->estimate.land == std::chrono::seconds(5));
}

TEST_CASE("the bytes of a plan do not change from one flyt to the next", "[plans][document]") {
  CHECK(plan_digest(full_plan()) ==
        "f14fc5e797478b6b41b97f594e128ca37e08e07d0235d8ef6212e357c4738f0e");
  CHECK(to_hex(sha256(plan_text(full_plan()))) ==
        "be79f82efa5280be655d538a1d4271d37c352fb702617557d35756321f901183");
}

TEST_CASE("of a plan, words of the source may be new, those to be acted on not",
          "[plans][document]") {
  const Json json = Json::parse(plan_text(full_plan()));
  REQUIRE(parse_plan(with_digest(json).dump()));
  Json later = json;
  later["machines"][0]["source"]["power"] = "later";
  later["machines"][0]["source"]["disks"][0]["bus"] = "later";
  const auto plan = parse_plan(with_digest(later).dump());
  REQUIRE(plan);
  CHECK(plan->machines[0].source.disks[0].bus == Bus::unknown);
  for (const char* pointer :
       {"/machines/0/spec/disks/0/bus", "/machines/0/spec/firmware", "/machines/0/spec/clock",
        "/machines/0/spec/guest/family", "/machines/0/facts/0/kind", "/ground/0/answer"}) {
    INFO(pointer);
    Json odd = json;
    REQUIRE(odd.contains(Json::json_pointer(pointer)));
    odd[Json::json_pointer(pointer)] = "later";
    const auto refused = parse_plan(with_digest(odd).dump());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid);
  }
}

TEST_CASE("names that are no UTF-8 do not cost the plan", "[plans][document]") {
  Plan plan = full_plan();
  plan.machines[0].source.name = "web\xff";
  const auto again = parse_plan(plan_text(plan));
  REQUIRE(again);
  CHECK(again->machines[0].source.name == "web\xEF\xBF\xBD");
  CHECK(again->digest == plan_digest(plan));
}

TEST_CASE("deep and long input is refused, not followed", "[plans][document]") {
  constexpr std::size_t many = 100'000;
  CHECK_FALSE(parse_plan(std::string(many, '[')));
  CHECK_FALSE(parse_plan(std::string(many, '[') + std::string(many, ']')));
  Json json = Json::parse(plan_text(full_plan()));
  json["machines"][0]["migration_id"] = std::string(1'000'000, 'a');
  CHECK_FALSE(parse_plan(json.dump()));
  for (const char* member : {"version", "machines", "digest", "unheard"}) {
    CAPTURE(member);
    json = Json::parse(plan_text(full_plan()));
    json[member] = "DEEP";
    std::string text = json.dump();
    text.replace(text.find("\"DEEP\""), 6, std::string(many, '[') + std::string(many, ']'));
    CHECK_FALSE(parse_plan(text));
  }
}

TEST_CASE("a plan is read from a file, and errors name the file", "[plans][document]") {
  const tests::TempDir folder;
  const auto file = folder / "plan.json";
  std::ofstream(file) << plan_text(full_plan());
  CHECK(read_plan(file));
  std::ofstream(file) << "{";
  const auto plan = read_plan(file);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().what.rfind(file.string(), 0) == 0);
  const auto none = read_plan(folder / "none.json");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::not_found);
}

}  // namespace
}  // namespace flyt
