// What becomes of a move when nodes come and go under it, and tickets run out.
#include <fmt/format.h>

#include <filesystem>

#include "base/process.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

using Stage = tests::ProxmoxStage;
using tests::told_whole;

// Two nodes, and a storage that both see.
constexpr std::string_view two_nodes = R"({
  "nodes": [{"name": "pve1"}, {"name": "pve2"}],
  "storages": [{"storage": "data", "type": "dir", "content": "images", "shared": 1}]})";

// "ok", or what qemu-io says: it goes by the channel's own socket.
std::string io(const Channel& channel, const std::string& command) {
  std::vector<std::string> argv{"qemu-io", "-f", "raw", "-c", command, channel.info().uri};
  if (command.starts_with("read")) argv.insert(argv.begin() + 1, "-r");
  const auto done = run({argv}, {});
  if (!done) return done.error().what;
  const bool failed = done->status != 0 || done->output.find("failed") != std::string::npos;
  return failed ? done->output + done->errors : "ok";
}

OpenSpec opens(const Machine& machine, Use use, std::uint64_t epoch) {
  return {machine.id, machine.disks.at(0).id, "", "", use, {machine.migration_id, epoch}};
}

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}

// On pve1, as the site says it.
Machine machine_on(const Stage& stage, const std::string& node) {
  EndpointConfig config = stage.fake->endpoint();
  config.values["node"] = node;
  const auto made = stage.connect(config)->create_machine(tests::proxmox_spec("web01"), {});
  if (!made) FAIL(told_whole(made.error()));
  REQUIRE(made->host == node);
  return *made;
}

// Asks pve1, or pve2 where that is away; machines are made on pve2.
std::unique_ptr<Driver> by_either_node(const Stage& stage) {
  EndpointConfig config = stage.fake->endpoint();
  config.values["url"] = stage.fake->url_of("pve1") + " " + stage.fake->url_of("pve2");
  config.values["node"] = "pve2";
  config.values.erase("fingerprint");
  config.values["ca"] = stage.fake->authority();
  return stage.connect(config);
}

std::size_t servers_on(const Stage& stage, const std::string& node) {
  std::size_t found = 0;
  const nlohmann::json left = stage.left();
  for (const std::string process : left.at("processes").at(node)) {
    found += process.starts_with("qemu-nbd ") ? 1 : 0;
  }
  return found;
}

TEST_CASE("what an older flyt has open on the node that had the machine is ended first",
          "[proxmox]") {
  const Stage stage(two_nodes);
  const Machine machine = machine_on(stage, "pve1");
  const auto older = stage.driver->open(opens(machine, Use::write, 3), {});
  REQUIRE(code_of(older) == "ok");
  REQUIRE(io(**older, "write -P 1 0 64k") == "ok");
  REQUIRE(servers_on(stage, "pve1") == 1);
  stage.fake->control("POST", "/move", {{"vmid", std::stoi(machine.id)}, {"node", "pve2"}});

  const auto other = stage.connect();
  const auto newer = other->open(opens(machine, Use::write, 4), {});
  if (!newer) FAIL(told_whole(newer.error()));
  CHECK(servers_on(stage, "pve1") == 0);
  CHECK(io(**older, "write -P 2 0 64k") != "ok");
  CHECK_FALSE((*older)->close({}));
  CHECK(io(**newer, "read -P 1 0 64k") == "ok");
  CHECK(code_of((*newer)->close({})) == "ok");

  // Back again, the older one would find nobody there that holds the disk.
  stage.fake->control("POST", "/move", {{"vmid", std::stoi(machine.id)}, {"node", "pve1"}});
  CHECK(code_of(stage.driver->open(opens(machine, Use::write, 3), {})) == "denied");
  CHECK(code_of(stage.driver->open(opens(machine, Use::read, 3), {})) == "denied");
  const auto back = other->open(opens(machine, Use::write, 4), {});
  if (!back) FAIL(told_whole(back.error()));
  CHECK(code_of((*back)->close({})) == "ok");
}

TEST_CASE("neither a newer flyt on the node before nor the same one is ended", "[proxmox]") {
  const Stage stage(two_nodes);
  const Machine machine = machine_on(stage, "pve1");
  const auto newer = stage.driver->open(opens(machine, Use::write, 5), {});
  REQUIRE(code_of(newer) == "ok");
  stage.fake->control("POST", "/move", {{"vmid", std::stoi(machine.id)}, {"node", "pve2"}});
  const auto other = stage.connect();
  CHECK(code_of(other->open(opens(machine, Use::write, 4), {})) == "denied");
  CHECK(code_of(other->destroy(machine.id, {machine.migration_id, 4}, {})) == "denied");
  CHECK(code_of(other->open(opens(machine, Use::write, 5), {})) == "unavailable");
  CHECK(io(**newer, "write -P 1 0 64k") == "ok");
  CHECK(code_of((*newer)->close({})) == "ok");
  CHECK(code_of(other->open(opens(machine, Use::write, 5), {})) == "ok");
}

TEST_CASE("a node that had the machine and cannot be asked keeps its disks shut", "[proxmox]") {
  const Stage stage(two_nodes);
  const Machine machine = machine_on(stage, "pve1");
  const auto older = stage.driver->open(opens(machine, Use::write, 3), {});
  REQUIRE(code_of(older) == "ok");
  stage.fake->control("POST", "/move", {{"vmid", std::stoi(machine.id)}, {"node", "pve2"}});
  stage.fake->control("POST", "/node", {{"node", "pve1"}, {"online", false}});
  EndpointConfig config = stage.fake->endpoint();
  config.values["url"] = stage.fake->url_of("pve2");
  config.values["fingerprint"] = stage.fake->fingerprint_of("pve2");
  const auto other = stage.connect(config);
  const auto shut = other->open(opens(machine, Use::write, 4), {});
  REQUIRE_FALSE(shut);
  INFO(told_whole(shut.error()));
  CHECK(shut.error().code == Errc::unavailable);
  CHECK(shut.error().what.find("open on pve1") != std::string::npos);
  REQUIRE_FALSE(shut.error().remedy.empty());
  const std::string remove = shut.error().remedy.back();
  const std::string file = remove.substr(remove.find("rm ") + 3);
  REQUIRE(std::filesystem::exists(file));

  SECTION("until it is back") {
    stage.fake->control("POST", "/node", {{"node", "pve1"}, {"online", true}});
  }
  SECTION("or a person says that it is off") { std::filesystem::remove(file); }
  const auto open = other->open(opens(machine, Use::write, 4), {});
  if (!open) FAIL(told_whole(open.error()));
  CHECK(code_of((*open)->close({})) == "ok");
  CHECK(code_of(other->destroy(machine.id, {machine.migration_id, 4}, {})) == "ok");
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a ticket that runs out while a disk is written does not end the move", "[proxmox]") {
  const Stage stage;
  const auto driver = stage.connect(stage.as_user("root@pam", stage.fake->password()));
  const MachineSpec spec = tests::proxmox_spec("web01");
  const auto made = driver->create_machine(spec, {});
  if (!made) FAIL(told_whole(made.error()));
  const auto channel = driver->open(opens(*made, Use::write, 1), {});
  if (!channel) FAIL(told_whole(channel.error()));
  CHECK(io(**channel, "write -P 1 0 64k") == "ok");
  stage.fake->control("POST", "/expire");
  CHECK(io(**channel, "write -P 2 64k 64k") == "ok");
  // Looked at beside it, and changed after it.
  CHECK(driver->observe(made->id, {}).has_value());
  stage.fake->control("POST", "/expire");
  CHECK(code_of((*channel)->close({})) == "ok");
  const auto shaped = driver->update_machine(made->id, spec, {});
  if (!shaped) FAIL(told_whole(shaped.error()));
  stage.fake->control("POST", "/expire");
  const auto again = driver->open(opens(*made, Use::read, 1), {});
  if (!again) FAIL(told_whole(again.error()));
  CHECK(io(**again, "read -P 1 0 64k") == "ok");
  CHECK(io(**again, "read -P 2 64k 64k") == "ok");
  CHECK(code_of((*again)->close({})) == "ok");
}

TEST_CASE("a move goes on by another node when the one that was asked is lost", "[proxmox]") {
  const Stage stage(two_nodes);
  const auto driver = by_either_node(stage);
  const MachineSpec spec = tests::proxmox_spec("web01");
  const auto made = driver->create_machine(spec, {});
  if (!made) FAIL(told_whole(made.error()));
  const auto channel = driver->open(opens(*made, Use::write, 1), {});
  if (!channel) FAIL(told_whole(channel.error()));
  CHECK(io(**channel, "write -P 1 0 64k") == "ok");
  stage.fake->control("POST", "/node", {{"node", "pve1"}, {"online", false}});
  // The disk never went by the node that is lost.
  CHECK(io(**channel, "write -P 2 64k 64k") == "ok");
  CHECK(driver->observe(made->id, {}).has_value());
  CHECK(code_of((*channel)->close({})) == "ok");
  const auto shaped = driver->update_machine(made->id, spec, {});
  if (!shaped) FAIL(told_whole(shaped.error()));
  CHECK(shaped->nics.at(0).connected == true);
  CHECK(code_of(driver->set_power(made->id, Driver::PowerChange::on, {})) == "ok");
  CHECK(code_of(driver->destroy(made->id, spec.owner, {})) == "ok");
  CHECK(stage.left().at("vms").empty());
}

TEST_CASE("a change that was asked of a node that was just lost is not made twice", "[proxmox]") {
  const Stage stage(two_nodes);
  const auto driver = by_either_node(stage);
  const MachineSpec spec = tests::proxmox_spec("web01");
  // The answer is lost with the node; its work goes on where the machine is.
  stage.fake->control("POST", "/faults",
                      {{"method", "POST"}, {"path", "^/nodes/pve2/qemu$"}, {"reset", "after"}});
  const auto lost = driver->create_machine(spec, {});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::unavailable);
  stage.fake->control("POST", "/node", {{"node", "pve1"}, {"online", false}});
  const auto made = driver->create_machine(spec, {});
  if (!made) FAIL(told_whole(made.error()));
  CHECK(stage.left().at("vms").size() == 1);
}

}  // namespace
}  // namespace flyt::proxmox
