// What the platform's bad habits do to making, changing and removing machines.
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

using Stage = tests::ProxmoxStage;

MachineSpec spec_of(const std::string& name) { return tests::proxmox_spec(name); }
std::string told(const Error& error) { return tests::told_whole(error); }

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
  const auto driver = stage.connect(config);
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

TEST_CASE("a MAC address that another machine uses is told with who has it", "[proxmox]") {
  Stage stage;
  const MachineSpec spec = spec_of("web01");
  const std::string plugged = "virtio=00:50:56:00:00:01,bridge=vmbr0,link_down=0";
  const std::string unplugged = "virtio=00:50:56:00:00:01,bridge=vmbr0,link_down=1";
  const auto other = [&](const std::string& net1) {
    stage.fake->api("POST", "/nodes/pve1/qemu/123/config", {{"net1", net1}});
  };
  stage.fake->api("POST", "/nodes/pve1/qemu",
                  {{"vmid", "123"},
                   {"name", "twin"},
                   {"net0", "virtio=00:50:56:00:00:02,bridge=vmbr0"},
                   {"net1", plugged}});

  const auto refused = stage.driver->create_machine(spec, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::exists);
  CHECK(refused.error().what.find("twin (machine 123 on pve1), whose net1") != std::string::npos);
  CHECK(refused.error().state == "nothing was made");
  REQUIRE_FALSE(refused.error().remedy.empty());
  CHECK(refused.error().remedy[0] == "qm set 123 --net1 '" + unplugged + "'");
  CHECK(stage.left().at("vms").size() == 1);

  other(unplugged);
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  other(plugged);
  const auto shaped = stage.driver->update_machine(made->id, spec, {});
  REQUIRE_FALSE(shaped);
  CHECK(shaped.error().code == Errc::exists);
  CHECK(stage.left()["vms"][made->id]["config"]["net0"].get<std::string>().find("link_down=1") !=
        std::string::npos);
  other(unplugged);
  const auto free = stage.driver->update_machine(made->id, spec, {});
  if (!free) FAIL(told(free.error()));
  CHECK(free->nics.at(0).connected == true);
  const auto again =
      stage.driver->update_machine(made->id, spec, {});  // its own is in nobody's way
  CHECK(again.has_value());
}

TEST_CASE("nobody meets a machine of a node that is away, a template, or one on no network",
          "[proxmox]") {
  const std::string net0 = "virtio=00:50:56:00:00:01,bridge=vmbr0";
  const nlohmann::json world = {
      {"nodes", {{{"name", "pve1"}}, {{"name", "pve2"}}}},
      {"vms",
       {{{"vmid", 101}, {"node", "pve1"}, {"config", {{"net0", net0}, {"template", "1"}}}},
        {{"vmid", 102}, {"node", "pve1"}, {"config", {{"net0", "virtio=00:50:56:00:00:01"}}}},
        {{"vmid", 103}, {"node", "pve2"}, {"config", {{"net0", net0}}}}}}};
  Stage stage(world.dump());
  const auto refused = stage.driver->create_machine(spec_of("web01"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("machine 103 on pve2") != std::string::npos);
  stage.fake->control("POST", "/node", {{"node", "pve2"}, {"online", false}});
  const auto made = stage.driver->create_machine(spec_of("web01"), {});
  if (!made) FAIL(told(made.error()));
  CHECK(made->host == "pve1");
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

TEST_CASE("a disk grows with what is asked for, and never shrinks", "[proxmox]") {
  Stage stage;
  MachineSpec spec = spec_of("web01");
  spec.disks.push_back({.size_bytes = mib, .bus = Bus::virtio_blk, .storage = "local"});
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  spec.disks[1].size_bytes = 5 * mib + 1;
  const auto grown = stage.driver->update_machine(made->id, spec, {});
  if (!grown) FAIL(told(grown.error()));
  CHECK(grown->disks.at(0).size_bytes == mib);
  CHECK(grown->disks.at(1).size_bytes == 5 * mib + kib);
  CHECK(grown->disks.at(1).uuid == made->disks.at(1).uuid);

  const auto resizes = [&] {
    return stage.fake->control("GET", "/counts")
        .at("calls")
        .value("PUT /nodes/{node}/qemu/{vmid}/resize", 0);
  };
  CHECK(resizes() == 1);
  CHECK(stage.driver->update_machine(made->id, spec, {}).has_value());
  spec.disks[1].size_bytes = mib;
  CHECK(stage.driver->update_machine(made->id, spec, {}).has_value());
  CHECK(resizes() == 1);

  // A task that fails in its end alone; nothing else was changed then.
  stage.fake->control("POST", "/storage", {{"storage", "local"}, {"full", true}});
  spec.disks[1].size_bytes = 9 * mib;
  spec.cpus = 3;
  const auto full = stage.driver->update_machine(made->id, spec, {});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::unavailable);
  CHECK(stage.left()["vms"][made->id]["config"]["cores"] == "1");
  stage.fake->control("POST", "/storage", {{"storage", "local"}, {"full", false}});
  spec.disks.pop_back();
  const auto fewer = stage.driver->update_machine(made->id, spec, {});
  REQUIRE_FALSE(fewer);
  CHECK(fewer.error().code == Errc::invalid);
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

TEST_CASE("what firmware and TPM keep is made, is no disk, and goes with its machine",
          "[proxmox]") {
  Stage stage;
  MachineSpec spec = spec_of("web01");
  spec.firmware = FirmwareKind::uefi;
  spec.secure_boot = spec.tpm = true;
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  CHECK(made->disks.size() == 1);
  CHECK(made->firmware.secure_boot == true);
  CHECK(made->firmware.tpm == true);
  const auto config = [&] { return stage.left()["vms"][made->id]["config"]; };
  const std::string efi = config()["efidisk0"], tpm = config()["tpmstate0"];
  CHECK(efi.find("pre-enrolled-keys=1") != std::string::npos);
  CHECK(tpm.find("version=v2.0") != std::string::npos);
  spec.cpus = 2;
  spec.tpm = false;
  REQUIRE(stage.driver->update_machine(made->id, spec, {}));
  CHECK(config()["efidisk0"] == efi);
  CHECK(config()["tpmstate0"] == tpm);
  // Its raw file would be in no snapshot.
  const auto view =
      stage.driver->make_view({.machine = made->id, .name = "flyt-1", .owner = spec.owner}, {});
  if (!view) FAIL(told(view.error()));
  REQUIRE(view->disks.size() == 1);
  CHECK(view->disks[0].left_out.find("tpmstate0 is raw on data") != std::string::npos);
  const auto all = stage.driver->inventory({}, {});
  REQUIRE(all);
  CHECK(all->volumes.empty());
  REQUIRE(stage.driver->destroy(made->id, spec.owner, {}));
  CHECK(stage.left().at("volumes").empty());
}

TEST_CASE("a login that may do nothing is told what it lacks, and how to get it", "[proxmox]") {
  Stage stage;
  stage.fake->api("POST", "/access/users", {{"userid", "poor@pve"}});
  const auto token =
      stage.fake->api("POST", "/access/users/poor@pve/token/move", {{"privsep", "0"}});
  stage.fake->api("PUT", "/access/acl",
                  {{"path", "/"}, {"users", "poor@pve"}, {"roles", "PVEAuditor"}});
  const EndpointConfig config =
      stage.as_token("poor@pve!move", token.at("value").get<std::string>());
  const auto found = stage.connect(config)->inventory({.findings = true}, {});
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
  for (const Finding& finding : full->findings) FAIL_CHECK(finding.text);
}

}  // namespace
}  // namespace flyt::proxmox
