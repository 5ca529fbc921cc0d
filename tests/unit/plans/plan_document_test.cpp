#include "plans/plan_document.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

Plan example() {
  Plan plan;
  plan.flyt_version = "0.1.0";
  plan.site_id = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11";
  plan.source = "ova";
  plan.target = "kvm";
  plan.source_platform_id = "ova";
  plan.target_platform_id = "host";
  PlannedMachine machine;
  machine.migration_id = "flyt-aaaaaaaaaaaaaaaaaaaa";
  machine.source.id = machine.source.name = "web01";
  machine.source.disks.push_back({.id = "0", .size_bytes = 1U << 20});
  machine.source.nics.push_back({.mac = "52:54:00:00:00:01"});
  machine.spec.name = "web01 på dansk";
  machine.spec.disks.push_back({.size_bytes = 1U << 20, .bus = Bus::virtio_blk, .boots = true});
  machine.spec.nics.push_back({.mac = "52:54:00:00:00:01", .network = "default", .vlan = 12});
  machine.facts.push_back({Fact::Kind::pinned, "source", "uuid", "u"});
  machine.probes.push_back({Probe::Kind::http, "http://web01/", 204});
  machine.boot_timeout = std::chrono::seconds(90);
  plan.machines.push_back(machine);
  plan.waves.push_back({"1", {machine.migration_id}});
  plan.concerns.push_back({"V-X", Severity::warning, "web01", "text", "remedy"});
  plan.ground.push_back({.question = Question::owner, .answer = Answer::pass, .value = "K"});
  plan.estimate.likely = std::chrono::seconds(7);
  return plan;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Error refused(const std::string& text) {
  auto plan = parse_plan(text);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == Errc::invalid);
  return plan.error();
}

}  // namespace

TEST_CASE("a plan survives being written and read", "[plans][document]") {
  const std::string text = plan_text(example());
  const auto plan = parse_plan(text);
  if (!plan) FAIL(plan.error().what << " " << plan.error().seen);
  CHECK(plan_text(*plan) == text);
  CHECK(plan->digest == plan_digest(example()));
  const PlannedMachine& machine = plan->machines.at(0);
  CHECK(machine.spec.name == "web01 på dansk");
  CHECK(machine.spec.owner.id == machine.migration_id);
  CHECK(machine.spec.disks.at(0).bus == Bus::virtio_blk);
  CHECK(machine.spec.nics.at(0).vlan == 12U);
  CHECK(machine.probes.at(0).expect == 204);
  CHECK(machine.boot_timeout == std::chrono::seconds(90));
  CHECK(machine.facts.at(0).kind == Fact::Kind::pinned);
}

TEST_CASE("layout does not matter to the digest, content does", "[plans][document]") {
  const std::string text = plan_text(example());
  CHECK(parse_plan(replaced(text, "\"site\": {", "\"site\" :\n{")));
  const Error edited = refused(replaced(text, "web01 på dansk", "web02"));
  CHECK(edited.what.find("edited by hand") != std::string::npos);
  CHECK(edited.remedy == std::vector<std::string>{"flyt plan"});
}

TEST_CASE("what is not a plan is refused with its reason", "[plans][document]") {
  const std::string text = plan_text(example());
  CHECK(refused("{").what == "the plan is not JSON");
  CHECK(refused(R"({"a": [{"b": 1, "c": {"b": 2}, "b": 3}]})").what ==
        "the plan: the member b stands there twice");
  CHECK(refused("[]").what == "this is not a plan");
  CHECK(refused("{\"version\": 2}").seen.find("version 2") == 0);
  const Error number = refused(replaced(text, "\"boot_timeout_s\": 90", "\"boot_timeout_s\": -1"));
  CHECK(number.seen.find("/machines/0/boot_timeout_s") == 0);
  CHECK(refused(replaced(text, "\"convert\": false", "\"convert\": 0"))
            .seen.find("/machines/0/convert") == 0);
  CHECK(refused(replaced(text, "\"adopts\"", "\"adepts\"")).seen.find("/machines/0") == 0);
  CHECK(refused(replaced(text, "flyt-aaaaaaaaaaaaaaaaaaaa", "../../etc/passwd"))
            .seen.find("/machines/0") == 0);
}

TEST_CASE("a plan that makes no sense is refused whatever its digest", "[plans][document]") {
  const auto nonsense = [](auto change) {
    Plan plan = example();
    change(plan);
    return refused(plan_text(plan)).what;
  };
  CHECK(nonsense([](Plan& plan) { plan.machines[0].spec.disks.clear(); }).find("disks") !=
        std::string::npos);
  CHECK(nonsense([](Plan& plan) {
          plan.machines[0].spec.disks[0].size_bytes -= 1;
        }).find("smaller") != std::string::npos);
  CHECK(nonsense([](Plan& plan) { plan.machines[0].spec.nics.clear(); }).find("network cards") !=
        std::string::npos);
  CHECK(nonsense([](Plan& plan) { plan.machines.push_back(plan.machines[0]); }).find("one id") !=
        std::string::npos);
  CHECK(nonsense([](Plan& plan) { plan.waves.clear(); }).find("no wave") != std::string::npos);
}

}  // namespace flyt
