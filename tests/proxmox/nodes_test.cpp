// What becomes of a move when nodes come and go under it, and tickets run out.
#include <fmt/format.h>

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
  EndpointConfig config = stage.fake->endpoint();
  config.values["url"] = stage.fake->url_of("pve1") + " " + stage.fake->url_of("pve2");
  config.values["node"] = "pve2";
  config.values.erase("fingerprint");
  config.values["ca"] = stage.fake->authority();
  const auto driver = stage.connect(config);
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
  EndpointConfig config = stage.fake->endpoint();
  config.values["url"] = stage.fake->url_of("pve1") + " " + stage.fake->url_of("pve2");
  config.values["node"] = "pve2";
  config.values.erase("fingerprint");
  config.values["ca"] = stage.fake->authority();
  const auto driver = stage.connect(config);
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
