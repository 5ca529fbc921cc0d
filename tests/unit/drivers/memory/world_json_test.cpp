#include <fmt/format.h>

#include "drivers/memory/memory.hpp"
#include "tests/catch.hpp"

namespace flyt::memory {
namespace {

World full_world() {
  World world = empty_world("p");
  add_machine(world, "web 01", {{4096, 7}, {512, {}, true}});
  Inside& inside = world.inside["web 01"];
  inside.deaf = true;
  inside.addresses = {"10.0.0.1", "fe80::1"};
  inside.boots = "login: ";
  inside.console = "line\nline";
  inside.tracking = true;
  inside.changes = 3;
  inside.shown_from = 1234567890123;
  inside.views.push_back(
      {{"web 01", "v", Consistency::crash, {{"disk0", "change-3", ""}}}, "flyt-x"});
  world.servers.push_back({"web 01", "disk0", Use::write, {"flyt-x", 9}, {4711, 99, "boot"}});
  world.habits.settle = std::chrono::milliseconds(5);
  world.habits.round_bytes = 4096;
  world.ground.findings = {{"the lamp is out", {"switch it on"}, false}};
  return world;
}

}  // namespace

TEST_CASE("a world is written and read without loss") {
  const World world = full_world();
  const std::string text = world_text(world);
  auto read = parse_world(text);
  REQUIRE(read);
  CHECK(world_text(*read) == text);
  const Inside& inside = read->inside["web 01"];
  CHECK(inside.deaf);
  CHECK(inside.addresses == std::vector<std::string>{"10.0.0.1", "fe80::1"});
  CHECK(inside.seeds.at("disk0") == 7);
  CHECK(inside.shown_from == 1234567890123);
  REQUIRE(inside.views.size() == 1);
  CHECK(inside.views[0].view.machine == "web 01");
  CHECK(inside.views[0].view.got == Consistency::crash);
  REQUIRE(read->servers.size() == 1);
  REQUIRE(read->ground.findings.size() == 1);
  CHECK(read->ground.findings[0].remedy == std::vector<std::string>{"switch it on"});
  CHECK_FALSE(read->ground.findings[0].must);
  CHECK(read->servers[0].use == Use::write);
  CHECK(read->servers[0].process == ProcessMark{4711, 99, "boot"});
  CHECK(read->habits.settle.count() == 5);
  REQUIRE(read->machine("web 01") != nullptr);
  CHECK(read->machine("web 01")->disks[1].stream_only);
}

TEST_CASE("what is wrong in a world is named") {
  const auto refuse = [](std::string_view text, std::string_view word) {
    INFO(text);
    const auto read = parse_world(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::invalid);
    CHECK(read.error().what.find(word) != std::string::npos);
  };
  refuse("", "JSON");
  refuse("{", "JSON");
  refuse("[]", "object");
  refuse(R"({"format": 2})", "format 2");
  const std::string start = R"({"platform_id": "p", )";
  refuse(start + R"("habits": 1})", "habits");
  refuse(start + R"("habits": {"round_bytes": 0}})", "round_bytes");
  refuse(start + R"("habits": {"settle_ms": -1}})", "settle_ms");
  refuse(start + R"("inside": {"a": 1}})", "a");
  refuse(start + R"("inside": {"a": {"agent": "yes"}}})", "agent");
  refuse(start + R"("inside": {"a": {"seeds": {"disk0": "x"}}}})", "disk0");
  refuse(start + R"("inside": {"a": {"views": [{"consistency": 3}]}}})", "consistency");
  refuse(start + R"("servers": [{}]})", "pid");
  refuse(start + R"("servers": [{"pid": 1}]})", "pid");
  refuse(start + R"("servers": {}})", "servers");
}

}  // namespace flyt::memory
