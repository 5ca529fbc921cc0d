#include <algorithm>

#include "base/identity.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

const Machine* named(const Inventory& inventory, std::string_view name) {
  const auto found = std::find_if(inventory.machines.begin(), inventory.machines.end(),
                                  [&](const Machine& one) { return one.name == name; });
  return found == inventory.machines.end() ? nullptr : &*found;
}

void names_the_platform(Run& run) {
  FLYT_TAKE(const Inventory found, run.driver->inventory({}, {}));
  CHECK(found.driver == run.subject.driver);
  CHECK_FALSE(found.platform.empty());
  CHECK_FALSE(found.platform_id.empty());
  CHECK(found.platform_id != found.endpoint);
}

void lists_sources(Run& run) {
  const std::string name = run.subject.dns_names ? "web-01" : "web 01";
  if (!run.source(name, {noise(1U << 20U, 1), noise((1U << 20U) + 512, 2)})) return;
  if (!run.source("db01", {noise(4096, 3)})) return;
  FLYT_TAKE(const Inventory found, run.driver->inventory({}, {}));
  const Machine* web = named(found, name);
  const Machine* db = named(found, "db01");
  REQUIRE(web != nullptr);
  REQUIRE(db != nullptr);
  CHECK(web->unreadable.empty());
  CHECK(web->power == Power::off);
  CHECK(web->migration_id.empty());
  CHECK_FALSE(web->uuid.empty());
  CHECK(web->uuid != db->uuid);
  CHECK(web->id != db->id);
  REQUIRE(web->disks.size() == 2);
  CHECK(web->disks[0].size_bytes == 1U << 20U);
  CHECK(web->disks[1].size_bytes == (1U << 20U) + 512);
  CHECK(web->disks[0].id != web->disks[1].id);
}

void says_the_same_to_all(Run& run) {
  if (!run.source("web01", {noise(4096, 1)})) return;
  FLYT_TAKE(const Inventory first, run.driver->inventory({}, {}));
  FLYT_TAKE(const Inventory second, run.another()->inventory({}, {}));
  CHECK(first.platform_id == second.platform_id);
  REQUIRE(first.machines.size() == second.machines.size());
  for (std::size_t i = 0; i < first.machines.size(); ++i) {
    CHECK(first.machines[i].id == second.machines[i].id);
    CHECK(first.machines[i].uuid == second.machines[i].uuid);
    REQUIRE(first.machines[i].disks.size() == second.machines[i].disks.size());
    for (std::size_t d = 0; d < first.machines[i].disks.size(); ++d) {
      CHECK(first.machines[i].disks[d].id == second.machines[i].disks[d].id);
      CHECK(first.machines[i].disks[d].uuid == second.machines[i].disks[d].uuid);
    }
  }
}

void keeps_to_the_scope(Run& run) {
  const auto web = run.source("web01", {noise(4096, 1)});
  if (!web || !run.source("db01", {noise(4096, 2)})) return;
  FLYT_TAKE(const Inventory one, run.driver->inventory({web->id, ""}, {}));
  REQUIRE(one.machines.size() == 1);
  CHECK(one.machines.front().name == "web01");
  FLYT_TAKE(const Inventory none, run.driver->inventory({"", migration("nobody")}, {}));
  CHECK(none.machines.empty());
}

void tells_what_hinders_when_asked(Run& run) {
  if (!run.source("web01", {noise(4096, 1)})) return;
  FLYT_TAKE(const Inventory plain, run.driver->inventory({}, {}));
  CHECK(plain.findings.empty());
  FLYT_TAKE(const Inventory checked, run.driver->inventory({"", "", true}, {}));
  CHECK(checked.findings.empty() != run.subject.hindered);
  for (const Finding& one : checked.findings) {
    CHECK_FALSE(one.text.empty());
    CHECK_FALSE(one.remedy.empty());
  }
  CHECK(checked.platform_id == plain.platform_id);
  REQUIRE(checked.machines.size() == plain.machines.size());
  CHECK(checked.machines.front().id == plain.machines.front().id);
}

const Case cases[] = {
    {"names its platform by something stable", names_the_platform},
    {"lists machines with their identity and disks", lists_sources},
    {"says the same to every process", says_the_same_to_all},
    {"keeps to the scope", keeps_to_the_scope},
    {"tells what hinders only when it is asked", tells_what_hinders_when_asked},
};

}  // namespace

std::span<const Case> inventory_cases() { return cases; }

}  // namespace flyt::tests
