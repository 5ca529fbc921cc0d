#include <algorithm>

#include "base/bare_volume.hpp"
#include "base/identity.hpp"
#include "planners/select.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/unit/planners/example.hpp"

namespace {

using flyt::Plan;
using flyt::PlannedMachine;
using flyt::Volume;
using flyt::tests::find;

struct Volumes : flyt::tests::Example {
  Volumes() {
    source.volumes = {{"v1", "tools.iso", "ds-1", "iso", "raw", 3001},
                      {"v2", "data.qcow2", "ds-1", "disk", "qcow2", 10 * flyt::gib},
                      {"v3", "old.iso", "ds-1", "iso", "raw", 4096, "flyt-x"}};
    target.storages[0].keeps = {"disk", "iso"};
    target.storages[1].keeps = {"disk", "backup"};
  }
};

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> all;
  for (const auto& one : plan.machines) all.push_back(one.source.name);
  return all;
}

}  // namespace

TEST_CASE("Volumes are selected by a word of their own", "[planners]") {
  Volumes example;
  CHECK(names(example.plan()) == std::vector<std::string>{"db01", "web01"});
  example.select = {"volume=*.iso"};
  CHECK(names(example.plan()) == std::vector<std::string>{"tools.iso"});
  example.select = {"volume=old.iso", "web01"};
  CHECK(names(example.plan()) == std::vector<std::string>{"web01", "old.iso"});
  example.select = {"volume=tols.iso"};
  const auto plan = example.try_plan();
  REQUIRE_FALSE(plan);
  CHECK(plan.error().what == R"(nothing on esx matches "volume=tols.iso")");
  CHECK(plan.error().remedy.front() == "did you mean volume=tools.iso?");
}

TEST_CASE("A volume is planned as it is, and never started", "[planners]") {
  Volumes example;
  example.select = {"volume=tools.iso", "volume=data.qcow2"};
  const Plan plan = example.plan();
  REQUIRE(plan.machines.size() == 2);
  const PlannedMachine& disk = plan.machines[0];
  const PlannedMachine& iso = plan.machines[1];
  CHECK(iso.spec.bare == "iso");
  CHECK(iso.spec.name == "tools.iso");
  CHECK(disk.spec.name == "data");  // the target names it by its own format
  REQUIRE(iso.spec.disks.size() == 1);
  CHECK(iso.spec.disks[0].size_bytes == 3001);
  CHECK(iso.spec.disks[0].storage == "default");
  CHECK_FALSE(iso.starts());
  CHECK_FALSE(iso.convert);
  CHECK(iso.migration_id ==
        flyt::migration_id(example.site.id, example.source.platform_id, flyt::bare_id("v1")));
  CHECK(std::none_of(iso.facts.begin(), iso.facts.end(), [](const flyt::Fact& one) {
    return one.name == "firmware" || one.name == "memory_bytes" || one.name == "power";
  }));
  const auto again = flyt::parse_plan(flyt::plan_text(plan));
  REQUIRE(again);
  CHECK(again->machines[1].spec.bare == "iso");
  CHECK(again->machines[1].source.bare == "iso");
}

TEST_CASE("A volume needs a storage that takes its kind", "[planners]") {
  Volumes example;
  example.select = {"volume=tools.iso"};
  example.site.mappings[""].storages = {{"*", "other"}};  // meant for machines' disks
  Plan plan = example.plan();
  REQUIRE(plan.machines.size() == 1);
  CHECK(plan.machines[0].spec.disks[0].storage == "default");
  CHECK(plan.machines[0].placement_why.starts_with("default (the only storage for iso)"));

  example.site.mappings[""].storages = {{"datastore1", "other"}};  // meant for this very one
  plan = example.plan();
  CHECK(plan.machines.empty());
  REQUIRE(find(plan, "T-VOLUME-STORAGE", "tools.iso") != nullptr);

  example.target.storages[0].keeps.clear();
  example.site.mappings[""].storages.clear();
  plan = example.plan();
  CHECK(plan.machines.empty());
  CHECK(find(plan, "T-VOLUME-STORAGE", "tools.iso") != nullptr);
}

TEST_CASE("A storage for images of discs alone takes no machine's disks", "[planners]") {
  Volumes example;
  example.target.storages = {{.id = "i", .name = "isos", .free_bytes = 80 * flyt::gib},
                             {.id = "d", .name = "disks", .free_bytes = 80 * flyt::gib}};
  example.target.storages[0].keeps = {"iso"};
  example.site.mappings[""].storages.clear();
  const Plan plan = example.plan();
  REQUIRE(plan.machines.size() == 2);
  CHECK(plan.machines[0].spec.disks[0].storage == "disks");
}

TEST_CASE("No volume takes the place of another", "[planners]") {
  Volumes example;
  example.select = {"volume=tools.iso"};
  example.target.volumes = {{"p1/tools.iso", "tools.iso", "p1", "iso", "raw", 3001}};
  Plan plan = example.plan();
  CHECK(plan.machines.empty());
  CHECK(find(plan, "T-VOLUME", "tools.iso") != nullptr);

  const std::string id =
      flyt::migration_id(example.site.id, example.source.platform_id, flyt::bare_id("v1"));
  example.target.volumes[0].migration_id = id;
  plan = example.plan();
  CHECK(plan.machines.size() == 1);
  CHECK(find(plan, "T-OURS", "tools.iso") != nullptr);

  example.target.volumes[0].storage = "p2";
  example.target.volumes[0].migration_id.clear();
  CHECK(example.plan().machines.size() == 1);

  example.source.volumes.push_back({"v4", "tools.iso", "ds-1", "iso", "raw", 1000});
  plan = example.plan();
  CHECK(plan.machines.size() == 1);
  CHECK(find(plan, "T-VOLUME", "tools.iso") != nullptr);
}

TEST_CASE("What cannot be read of a volume keeps it out of the plan", "[planners]") {
  Volumes example;
  example.select = {"volume=*.iso"};
  example.source.volumes[0].left_out = "the API alone lets nobody read it";
  const Plan plan = example.plan();
  CHECK(plan.machines.empty());
  CHECK(find(plan, "M-DISK-UNREADABLE", "tools.iso") != nullptr);
  example.source.volumes[0] = {"v1", "tools.iso", "ds-1", "iso", "raw", 0};
  CHECK(find(example.plan(), "M-DISK-SIZE", "tools.iso") != nullptr);
}

TEST_CASE("A template stays one where there are templates", "[planners]") {
  Volumes example;
  example.web().is_template = true;
  example.select = {"web01"};
  Plan plan = example.plan();
  REQUIRE(plan.machines.size() == 1);
  CHECK(plan.machines[0].spec.is_template);
  CHECK_FALSE(plan.machines[0].starts());
  CHECK(find(plan, "T-TEMPLATE") != nullptr);
  example.target.can = {flyt::Capability::templates};
  plan = example.plan();
  CHECK(find(plan, "T-TEMPLATE") == nullptr);
  const auto again = flyt::parse_plan(flyt::plan_text(plan));
  REQUIRE(again);
  CHECK(again->machines[0].spec.is_template);
}
