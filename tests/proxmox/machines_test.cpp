// What the platform's bad habits do to making, changing and removing machines.
#include <fmt/format.h>

#include <fstream>

#include "base/identity.hpp"
#include "base/units.hpp"
#include "drivers/proxmox/proxmox.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/proxmox_fake.hpp"

namespace flyt::proxmox {
namespace {

using tests::ProxmoxFake;

struct Stage {
  std::unique_ptr<ProxmoxFake> fake;
  std::unique_ptr<Driver> driver;

  explicit Stage(std::string_view world = {}) {
    auto started = ProxmoxFake::start(world);
    if (!started) FAIL(started.error().what << ": " << started.error().seen);
    fake = *std::move(started);
    driver = connect();
  }
  std::unique_ptr<Driver> connect(const EndpointConfig* with = nullptr) const {
    auto opened = proxmox::open(with == nullptr ? fake->endpoint() : *with, {});
    if (!opened) FAIL(opened.error().what);
    return *std::move(opened);
  }
  nlohmann::json left() const { return fake->control("GET", "/left"); }
};

MachineSpec spec_of(const std::string& name) {
  MachineSpec spec;
  spec.owner = {migration_id("site", "platform", name), 1};
  spec.name = name;
  spec.cpus = 1;
  spec.memory_bytes = 128 * mib;
  spec.guest.family = GuestFamily::linux;
  spec.disks = {{.size_bytes = mib, .bus = Bus::virtio_blk, .storage = "data"}};
  spec.nics = {{"00:50:56:00:00:01", "vmbr0", {}, "virtio"}};
  return spec;
}

std::string told(const Error& error) {
  return fmt::format("{}: {} | {} | {}", to_string(error.code), error.what, error.seen, error.why);
}

TEST_CASE("an answer that was lost makes no second machine", "[proxmox]") {
  Stage stage;
  stage.fake->control("POST", "/faults",
                      {{"method", "POST"}, {"path", "^/nodes/pve1/qemu$"}, {"reset", "after"}});
  stage.fake->control("POST", "/faults", {{"task", "qmcreate"}, {"slow", 2}});
  const auto lost = stage.driver->create_machine(spec_of("web01"), {});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::unavailable);
  const auto made = stage.driver->create_machine(spec_of("web01"), {});
  if (!made) FAIL(told(made.error()));
  CHECK(stage.left().at("vms").size() == 1);
}

TEST_CASE("a machine whose making fails leaves nothing behind", "[proxmox]") {
  Stage stage;
  MachineSpec spec = spec_of("web01");
  spec.disks.push_back({.size_bytes = 900 * tib, .bus = Bus::virtio_blk, .storage = "data"});
  const auto made = stage.driver->create_machine(spec, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::unavailable);
  CHECK(stage.left().at("vms").empty());
  CHECK(stage.left().at("volumes").empty());
}

TEST_CASE("numbers are taken from the site's range, and one that somebody takes is passed over",
          "[proxmox]") {
  Stage stage;
  stage.fake->api("POST", "/nodes/pve1/qemu", {{"vmid", "9000"}, {"name", "other"}});
  EndpointConfig config = stage.fake->endpoint();
  config.values["vmids"] = "9000-9001";
  const auto driver = stage.connect(&config);
  const auto made = driver->create_machine(spec_of("web01"), {});
  if (!made) FAIL(told(made.error()));
  CHECK(made->id == "9001");
  const auto none = driver->create_machine(spec_of("web02"), {});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::unavailable);
  CHECK(none.error().what.find("9000 to 9001") != std::string::npos);
}

TEST_CASE("a name that is taken is told with who has it", "[proxmox]") {
  Stage stage;
  stage.fake->api("POST", "/nodes/pve1/qemu", {{"vmid", "123"}, {"name", "web01"}});
  const auto made = stage.driver->create_machine(spec_of("web01"), {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::exists);
  CHECK(made.error().what.find("machine 123 on pve1") != std::string::npos);
}

TEST_CASE("a locked machine is not removed, and says by what it is locked", "[proxmox]") {
  Stage stage;
  const MachineSpec spec = spec_of("web01");
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  stage.fake->control("POST", "/lock", {{"vmid", std::stoi(made->id)}, {"lock", "backup"}});
  const Status gone = stage.driver->destroy(made->id, spec.owner, {});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == Errc::unavailable);
  CHECK(gone.error().seen.find("VM is locked (backup)") != std::string::npos);
  stage.fake->control("POST", "/lock", {{"vmid", std::stoi(made->id)}, {"lock", nullptr}});
  CHECK(stage.driver->destroy(made->id, spec.owner, {}));
  CHECK(stage.left().at("vms").empty());
  CHECK(stage.left().at("volumes").empty());
}

TEST_CASE("a copy is unplugged until it is shaped", "[proxmox]") {
  Stage stage;
  const MachineSpec spec = spec_of("web01");
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  CHECK(made->nics.at(0).connected == false);
  const auto shaped = stage.driver->update_machine(made->id, spec, {});
  if (!shaped) FAIL(told(shaped.error()));
  CHECK(shaped->nics.at(0).connected == true);
  CHECK(shaped->nics.at(0).mac == spec.nics[0].mac);
}

TEST_CASE("a machine with mixed disks is told as it was asked for", "[proxmox]") {
  Stage stage;
  MachineSpec spec = spec_of("web01");
  spec.firmware = FirmwareKind::uefi;
  spec.disks = {{.size_bytes = mib, .bus = Bus::scsi, .controller = "pvscsi", .storage = "data"},
                {.size_bytes = 2 * mib, .bus = Bus::sata, .storage = "data"},
                {.size_bytes = 3 * mib, .bus = Bus::virtio_blk, .storage = "local"}};
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  REQUIRE(made->disks.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(made->disks[i].size_bytes == (i + 1) * mib);
  CHECK(made->firmware.kind == FirmwareKind::uefi);
}

TEST_CASE("a login that may do nothing is told what it lacks, and how to get it", "[proxmox]") {
  Stage stage;
  stage.fake->api("POST", "/access/users", {{"userid", "poor@pve"}});
  const auto token =
      stage.fake->api("POST", "/access/users/poor@pve/token/move", {{"privsep", "0"}});
  stage.fake->api("PUT", "/access/acl",
                  {{"path", "/"}, {"users", "poor@pve"}, {"roles", "PVEAuditor"}});
  EndpointConfig config = stage.fake->endpoint();
  config.values["token"] = "poor@pve!move";
  const auto secret = stage.fake->folder() / "poor";
  std::ofstream(secret) << token.at("value").get<std::string>() << '\n';
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  config.secrets["secret"] = {SecretSource::Kind::file, secret};
  const auto found = stage.connect(&config)->inventory({.findings = true}, {});
  if (!found) FAIL(told(found.error()));
  std::string all;
  for (const Finding& finding : found->findings) {
    all += finding.text + "\n";
    for (const std::string& line : finding.remedy) all += line + "\n";
  }
  INFO(all);
  CHECK(all.find("VM.Allocate") != std::string::npos);
  CHECK(all.find("/storage/data") != std::string::npos);
  CHECK(all.find("/sdn/zones/localnetwork/vmbr0") != std::string::npos);
  CHECK(all.find("pveum acl modify /vms --users poor@pve --roles FlytMove") != std::string::npos);
  CHECK(all.find("pveum role add FlytMove --privs \"VM.Allocate ") != std::string::npos);
  const auto full = stage.driver->inventory({.findings = true}, {});
  if (!full) FAIL(told(full.error()));
  for (const Finding& finding : full->findings) CHECK(finding.text == "");
}

}  // namespace
}  // namespace flyt::proxmox
