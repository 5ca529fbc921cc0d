#include "plans/drift.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

struct Scene {
  Plan plan;
  PlannedMachine planned;
  Inventory source, target;

  Scene() {
    plan.source_platform_id = source.platform_id = "s";
    plan.target_platform_id = target.platform_id = "t";
    Machine web;
    web.id = web.name = "web01";
    web.uuid = "u";
    web.disks.push_back({.id = "0", .size_bytes = 100});
    web.nics.push_back({.mac = "52:54:00:00:00:01"});
    planned.source = web;
    planned.migration_id = "flyt-a";
    using Kind = Fact::Kind;
    planned.facts = {{Kind::pinned, "target", "platform_id", "t"},
                     {Kind::pinned, "source", "uuid", "u"},
                     {Kind::pinned, "source disk 0", "size_bytes", "100"},
                     {Kind::pinned, "source nic 0", "mac", "52:54:00:00:00:01"},
                     {Kind::bounded, "target storage default", "free_bytes", "100"},
                     {Kind::bounded, "target", "memory_bytes", "10"},
                     {Kind::noted, "source", "power", "on"}};
    source.machines = {web};
    target.storages.push_back({.name = "default", .free_bytes = 100});
  }
  std::size_t count() const { return drift(planned, plan, source, target).size(); }
};

}  // namespace

TEST_CASE("no drift where the world agrees", "[plans][drift]") { CHECK(Scene().count() == 0); }

TEST_CASE("each pinned fact that differs is named", "[plans][drift]") {
  Scene scene;
  scene.source.machines[0].disks[0].size_bytes = 101;
  scene.source.machines[0].nics.clear();
  const auto found = drift(scene.planned, scene.plan, scene.source, scene.target);
  REQUIRE(found.size() == 2);
  CHECK(found[0].what.find("source disk 0 size_bytes") != std::string::npos);
  CHECK(found[0].seen == "planned 100, now 101");
  CHECK(found[1].seen == "planned 52:54:00:00:00:01, now nothing");
}

TEST_CASE("a bound holds, or the disks are already there", "[plans][drift]") {
  Scene scene;
  scene.target.storages[0].free_bytes = 99;
  CHECK(scene.count() == 1);
  scene.target.machines.push_back({.id = "made", .migration_id = "flyt-a"});
  CHECK(scene.count() == 0);
}

TEST_CASE("another way to read a disk makes no plan stale", "[plans][drift]") {
  Scene scene;
  scene.planned.source.disks[0].read_by = "files";
  scene.source.machines[0].disks[0].read_by = "an export";
  scene.source.machines[0].disks[0].stream_only = true;
  CHECK(scene.count() == 0);
}

TEST_CASE("another platform, a disk more, a machine that is gone", "[plans][drift]") {
  Scene scene;
  scene.target.platform_id = "other";
  CHECK(scene.count() == 1);
  scene.source.machines[0].disks.push_back({.id = "1"});
  CHECK(scene.count() == 2);
  scene.source.machines[0].nics.push_back({.mac = "52:54:00:00:00:02"});
  CHECK(scene.count() == 3);
  scene.source.machines.clear();  // then nothing else is worth telling
  CHECK(scene.count() == 1);
}

}  // namespace flyt
