// What the inventory tells of a cluster beside its machines.
#include <algorithm>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

using Stage = tests::ProxmoxStage;

Inventory inventory_of(Driver& driver) {
  auto found = driver.inventory({}, {});
  if (!found) FAIL(tests::told_whole(found.error()));
  return *std::move(found);
}

const AffinityRule* find_rule(const Inventory& inventory, const std::string& name) {
  const auto found = std::find_if(inventory.rules.begin(), inventory.rules.end(),
                                  [&](const AffinityRule& one) { return one.name == name; });
  return found == inventory.rules.end() ? nullptr : &*found;
}

const Storage& storage_of(const Inventory& inventory, const std::string& name) {
  const auto found = std::find_if(inventory.storages.begin(), inventory.storages.end(),
                                  [&](const Storage& one) { return one.name == name; });
  REQUIRE(found != inventory.storages.end());
  return *found;
}

}  // namespace

TEST_CASE("HA groups of 8 are rules of their machines", "[proxmox]") {
  const Stage stage(R"({
    "nodes": [{"name": "pve1"}, {"name": "pve2"}],
    "vms": [{"vmid": 500, "node": "pve1", "config": {"name": "old"}},
            {"vmid": 501, "node": "pve2", "config": {"name": "older"}}],
    "ha_groups": [{"group": "north", "nodes": "pve1:2,pve2", "restricted": 1},
                  {"group": "empty", "nodes": "pve1"}],
    "ha": [{"sid": "vm:500", "group": "north"}, {"sid": "vm:501"}]})");
  const Inventory inventory = inventory_of(*stage.driver);
  CHECK(inventory.rules.size() == 1);
  const AffinityRule* rule = find_rule(inventory, "north");
  REQUIRE(rule != nullptr);
  CHECK(rule->kind == AffinityKind::on_hosts);
  CHECK(rule->must);
  CHECK(rule->machines == std::vector<std::string>{"500"});
  CHECK(rule->hosts == std::vector<std::string>{"pve1", "pve2"});
}

TEST_CASE("HA rules of 9 are told as they are", "[proxmox]") {
  const Stage stage(R"({
    "nodes": [{"name": "pve1"}, {"name": "pve2"}],
    "vms": [{"vmid": 500, "node": "pve1", "config": {"name": "old"}},
            {"vmid": 501, "node": "pve2", "config": {"name": "older"}}],
    "ha": [{"sid": "vm:500"}, {"sid": "vm:501"}],
    "ha_rules": [
      {"rule": "home", "type": "node-affinity", "resources": "vm:500,ct:7", "nodes": "pve1:2", "order": 1},
      {"rule": "apart", "type": "resource-affinity", "affinity": "negative", "resources": "vm:500,vm:501", "order": 2},
      {"rule": "off", "type": "node-affinity", "resources": "vm:501", "nodes": "pve2", "disable": 1, "order": 3}]})",
                    {"--version", "9.1"});
  const Inventory inventory = inventory_of(*stage.driver);
  CHECK(inventory.rules.size() == 2);
  const AffinityRule* home = find_rule(inventory, "home");
  REQUIRE(home != nullptr);
  CHECK(home->kind == AffinityKind::on_hosts);
  CHECK_FALSE(home->must);
  CHECK(home->machines == std::vector<std::string>{"500"});
  CHECK(home->hosts == std::vector<std::string>{"pve1"});
  const AffinityRule* apart = find_rule(inventory, "apart");
  REQUIRE(apart != nullptr);
  CHECK(apart->kind == AffinityKind::apart);
  CHECK(apart->must);
  CHECK(apart->machines == std::vector<std::string>{"500", "501"});
}

TEST_CASE("what disks may grow to is told beside what is free", "[proxmox]") {
  const Stage stage(R"({
    "nodes": [{"name": "pve1"}],
    "storages": [{"storage": "data", "type": "dir", "content": "images"},
                 {"storage": "share", "type": "nfs", "server": "10.0.0.9", "export": "/srv",
                  "content": "images,iso"}]})");
  MachineSpec spec = tests::proxmox_spec("web01");
  spec.disks.front().size_bytes = 3 * gib;
  REQUIRE(stage.driver->create_machine(spec, {}));
  stage.fake->api("POST", "/nodes/pve1/storage/data/content",
                  {{"vmid", "777"}, {"filename", "vm-777-x.raw"}, {"size", "1G"}});
  const Inventory inventory = inventory_of(*stage.driver);
  const Storage& data = storage_of(inventory, "data");
  CHECK(data.promised_bytes == 4 * gib);
  CHECK(data.shared == false);
  const Storage& share = storage_of(inventory, "share");
  CHECK(share.promised_bytes == 0);
  CHECK(share.shared == true);
  CHECK(share.keeps == std::vector<std::string>{"disk", "iso"});
}

TEST_CASE("the site file says where nodes stand", "[proxmox]") {
  const Stage stage(R"({"nodes": [{"name": "pve1"}, {"name": "pve2"}]})");
  EndpointConfig config = stage.fake->endpoint();
  config.values["sites"] = "pve1=Aarhus, pve2=Odense C";
  const auto driver = stage.connect(config);
  const Inventory inventory = inventory_of(*driver);
  REQUIRE(inventory.hosts.size() == 2);
  CHECK(inventory.hosts[0].cpu_model == "Fake CPU");
  CHECK(inventory.hosts[0].busy_percent.value_or(100) <= 1);
  CHECK(inventory.hosts[0].place.site == "Aarhus");
  CHECK(inventory.hosts[1].place.site == "Odense C");
  const auto made = driver->create_machine(tests::proxmox_spec("web01"), {});
  REQUIRE(made);
  const auto seen = driver->observe(made->id, {});
  REQUIRE(seen);
  CHECK(seen->place.site == (made->host == "pve1" ? "Aarhus" : "Odense C"));
}

}  // namespace flyt::proxmox
