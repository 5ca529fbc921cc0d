#include <filesystem>
#include <fstream>

#include "tests/libvirt/lab_machines.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

TEST_CASE("libvirt: the ground is what virsh sees", "[libvirt]") {
  FLYT_LAB();
  lab.virsh({"vol-create-as", "default", "debian.iso", "1M", "--format", "raw"});
  lab.virsh({"vol-create-as", "default", "base.qcow2", "2M", "--format", "qcow2"});
  lab.virsh({"vol-create-as", "default", "top.qcow2", "2M", "--format", "qcow2", "--backing-vol",
             "base.qcow2", "--backing-vol-format", "qcow2"});
  const auto inventory = driver->inventory({}, in_time());
  REQUIRE(code_of(inventory) == "ok");
  CHECK(inventory->endpoint == "kvm");
  CHECK(inventory->platform.find("libvirt ") == 0);
  CHECK(inventory->platform.find(", QEMU ") != std::string::npos);
  CHECK(inventory->platform_id.size() == 36);
  REQUIRE(inventory->hosts.size() == 1);
  CHECK(inventory->hosts[0].cpus.value_or(0) > 0);
  CHECK(inventory->hosts[0].memory_free_bytes.value_or(0) > 0);
  CHECK(inventory->hosts[0].memory_free_bytes <= inventory->hosts[0].memory_bytes);
  CHECK(inventory->hosts[0].id == inventory->platform_id);
  REQUIRE(inventory->storages.size() == 1);
  CHECK(inventory->storages[0].name == "default");
  CHECK(inventory->storages[0].kind == "dir");
  CHECK(inventory->storages[0].free_bytes.value_or(0) > 0);
  REQUIRE_FALSE(inventory->networks.empty());
  CHECK(inventory->networks[0].name == "default");
  CHECK(inventory->networks[0].kind == "nat");
  CHECK(inventory->networks[0].active == false);
  std::string kinds;
  for (const Volume& one : inventory->volumes) kinds += one.name + "=" + one.kind + " ";
  CHECK(kinds.find("debian.iso=iso") != std::string::npos);
  CHECK(kinds.find("base.qcow2=base") != std::string::npos);
  CHECK(kinds.find("top.qcow2=disk") != std::string::npos);
  CHECK(inventory->notes.at(0).find("TCG") != std::string::npos);
}

TEST_CASE("libvirt: QEMU starts machines of every shape", "[libvirt]") {
  FLYT_LAB();
  struct Shape {
    Bus bus;
    const char* controller;
    FirmwareKind firmware;
    Bus seen;
  };
  const auto shape = GENERATE(values<Shape>({
      {Bus::virtio_blk, "", FirmwareKind::bios, Bus::virtio_blk},
      {Bus::virtio_scsi, "", FirmwareKind::bios, Bus::virtio_scsi},
      {Bus::scsi, "pvscsi", FirmwareKind::bios, Bus::scsi},
      {Bus::scsi, "lsilogic", FirmwareKind::bios, Bus::scsi},
      {Bus::scsi, "lsilogicsas", FirmwareKind::bios, Bus::scsi},
      {Bus::unknown, "", FirmwareKind::bios, Bus::sata},
      {Bus::ide, "", FirmwareKind::bios, Bus::ide},
      {Bus::ide, "", FirmwareKind::uefi, Bus::sata},
      {Bus::virtio_blk, "", FirmwareKind::uefi, Bus::virtio_blk},
  }));
  CAPTURE(to_string(shape.bus), shape.controller, to_string(shape.firmware));
  MachineSpec spec = spec_of("shape", shape.bus, shape.controller, 3);
  spec.firmware = shape.firmware;
  const Machine made = make(*driver, spec);
  REQUIRE(made.disks.size() == 3);
  for (const Disk& disk : made.disks) CHECK(disk.bus == shape.seen);
  CHECK(made.disks[2].size_bytes == 3U << 20);
  CHECK(made.firmware.kind == shape.firmware);
  CHECK(made.notes == spec.notes);
  CHECK(made.power == Power::off);
  CHECK(made.migration_id == owner.id);

  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::on, in_time())) == "ok");
  const auto seen = driver->observe(made.id, in_time());
  REQUIRE(code_of(seen) == "ok");
  CHECK(seen->power == Power::on);
  CHECK(seen->agent == false);
  CHECK(driver->console(made.id, "", in_time())->known);
  const auto running = driver->inventory({made.id, ""}, in_time());
  REQUIRE(code_of(running) == "ok");
  CHECK(running->machines.at(0).disks.at(0).left_out.find("must be off") != std::string::npos);
  CHECK(refuses(driver->open({made.id, made.disks[0].id, "", "", Use::write, owner}, in_time()),
                Errc::denied));
  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::forced_off, in_time())) == "ok");
  REQUIRE(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
}

TEST_CASE("libvirt: a machine starts by Secure Boot, and with a TPM where the host has one",
          "[libvirt]") {
  FLYT_LAB();
  const auto ground = driver->inventory({}, in_time());
  REQUIRE(code_of(ground) == "ok");
  REQUIRE(ground->secure_boot);  // the lab needs ovmf
  MachineSpec spec = spec_of("safe", Bus::virtio_blk, "", 1);
  spec.firmware = FirmwareKind::uefi;
  spec.secure_boot = true;
  spec.tpm = true;
  if (!ground->new_tpm) {
    CHECK(refuses(driver->create_machine(spec, in_time()), Errc::unsupported));
    CHECK(std::filesystem::is_empty(lab.images()));
    spec.tpm = false;
  }
  const Machine made = make(*driver, spec);
  CHECK(made.firmware.secure_boot == true);
  CHECK(made.firmware.tpm == spec.tpm);
  // Twice: what firmware and TPM keep is there already then.
  for (int start = 0; start < 2; ++start) {
    REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::on, in_time())) == "ok");
    CHECK(lab.virsh({"dumpxml", made.id}).find("secure='yes'") != std::string::npos);
    REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::forced_off, in_time())) ==
            "ok");
    REQUIRE(code_of(driver->update_machine(made.id, spec, in_time())) == "ok");
  }
  const auto after = driver->inventory({made.id, ""}, in_time());
  REQUIRE(code_of(after) == "ok");
  CHECK(after->machines.at(0).firmware.secure_boot == true);
  CHECK(after->machines.at(0).firmware.tpm == spec.tpm);
  REQUIRE(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
}

TEST_CASE("libvirt: QEMU starts machines with more disks than a controller takes", "[libvirt]") {
  FLYT_LAB();
  struct Many {
    Bus bus;
    const char* controller;
    std::size_t disks;
  };
  const auto many = GENERATE(values<Many>({{Bus::sata, "", 8},
                                           {Bus::scsi, "lsilogic", 9},
                                           {Bus::scsi, "pvscsi", 17},
                                           {Bus::virtio_scsi, "", 28}}));
  CAPTURE(to_string(many.bus), many.controller);
  MachineSpec spec = spec_of("many", many.bus, many.controller, many.disks);
  spec.cpus = 4;
  spec.sockets = 2;
  spec.generation_id = "09512cc5-940a-8987-b950-f54f631015e8";
  const Machine made = make(*driver, spec);
  CHECK(made.disks.size() == many.disks);
  CHECK(made.sockets == 2U);
  CHECK(made.generation_id == spec.generation_id);
  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::on, in_time())) == "ok");
  CHECK(code_of(driver->set_power(made.id, Driver::PowerChange::forced_off, in_time())) == "ok");
}

TEST_CASE("libvirt: a QEMU that does not start is no mistake of flyt's", "[libvirt]") {
  FLYT_LAB();
  const Machine made = make(*driver, spec_of("web01", Bus::virtio_blk, ""));
  std::string xml = lab.virsh({"dumpxml", "--inactive", made.id});
  const std::string own = "<domain type='qemu'";
  REQUIRE(xml.find(own) != std::string::npos);
  xml.insert(xml.find(own) + own.size(),
             " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'");
  xml.insert(xml.rfind("</domain>"),
             "<qemu:commandline><qemu:arg value='-nonsense'/></qemu:commandline>");
  const TempDir dir;
  std::ofstream(dir / "domain.xml") << xml;
  lab.virsh({"define", dir / "domain.xml"});
  const Status started = driver->set_power(made.id, Driver::PowerChange::on, in_time());
  REQUIRE(refuses(started, Errc::unavailable));
  CHECK(started.error().why.find("QEMU ended") != std::string::npos);
  CHECK_FALSE(started.error().remedy.empty());
}

TEST_CASE("libvirt: what a crash left behind is found by its migration", "[libvirt]") {
  FLYT_LAB();
  const MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  lab.virsh({"vol-create-as", "default", "web01." + owner.id + ".0.raw", "1M", "--format", "raw",
             "--allocation", "0"});
  const auto before = driver->inventory({"", owner.id}, in_time());
  REQUIRE(code_of(before) == "ok");
  CHECK(before->machines.empty());
  REQUIRE(before->volumes.size() == 1);
  CHECK(before->volumes[0].migration_id == owner.id);

  const Machine made = make(*driver, spec);
  CHECK(made.disks[0].id == before->volumes[0].id);
  const Machine again = make(*driver, spec);
  CHECK(again.id == made.id);
  const auto after = driver->inventory({"", owner.id}, in_time());
  REQUIRE(code_of(after) == "ok");
  CHECK(after->machines.size() == 1);
  CHECK(after->volumes.empty());

  lab.virsh({"undefine", made.id});  // a crash in the middle of destroy
  REQUIRE(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
}

TEST_CASE("libvirt: a failure leaves nothing behind", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  SECTION("no network of that name") {
    spec.nics = {{"52:54:00:00:00:01", "defualt"}};
    const auto made = driver->create_machine(spec, in_time());
    REQUIRE(refuses(made, Errc::not_found));
    CHECK(made.error().remedy.at(0).find("default") != std::string::npos);
  }
  SECTION("a VLAN on a network that cannot tag") {
    spec.nics = {{"52:54:00:00:00:01", "default", 120}};
    CHECK(refuses(driver->create_machine(spec, in_time()), Errc::unsupported));
  }
  SECTION("no pool of that name") {
    spec.disks[1].storage = "defualt";
    const auto made = driver->create_machine(spec, in_time());
    REQUIRE(refuses(made, Errc::not_found));
    CHECK(made.error().remedy.at(0).find("default") != std::string::npos);
  }
  SECTION("no space") {
    spec.disks[1].size_bytes = std::uint64_t{1} << 60;
    CHECK(refuses(driver->create_machine(spec, in_time()), Errc::unavailable));
  }
  SECTION("a bus that QEMU through libvirt does not have") {
    spec.disks[1].bus = Bus::usb;
    CHECK(refuses(driver->create_machine(spec, in_time()), Errc::unsupported));
  }
  SECTION("a format that is not made") {
    spec.disks[1].format = "vmdk";
    CHECK(refuses(driver->create_machine(spec, in_time()), Errc::unsupported));
  }
  SECTION("libvirt refuses the machine itself") {
    spec.nics = {{"53:54:00:00:00:01", "default"}};  // a multicast address
    CHECK_FALSE(driver->create_machine(spec, in_time()));
  }
  CHECK(std::filesystem::is_empty(lab.images()));
  CHECK(lab.virsh({"list", "--all", "--name"}).find("web01") == std::string::npos);
}

TEST_CASE("libvirt: names, UUIDs and MACs of others are not taken", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  spec.nics = {{"52:54:00:00:00:01", "default"}};
  const Machine made = make(*driver, spec);
  MachineSpec second = spec_of("web02", Bus::virtio_blk, "");
  second.owner = other;
  SECTION("name") { second.name = "web01"; }
  SECTION("UUID") { second.uuid = made.uuid; }
  SECTION("MAC") { second.nics = spec.nics; }
  CHECK(refuses(driver->create_machine(second, in_time()), Errc::exists));
  CHECK(refuses(driver->destroy(made.id, other, in_time()), Errc::denied));
  CHECK(driver->inventory({made.id, ""}, in_time()));
}

TEST_CASE("libvirt: a converted machine gets new buses and keeps its disks", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::scsi, "lsilogic");
  spec.nics = {{"52:54:00:00:00:01", "default", {}, "E1000"}};
  spec.clock = ClockBase::local_time;
  const Machine made = make(*driver, spec);
  CHECK(made.clock == ClockBase::local_time);
  CHECK(made.nics.at(0).model == "e1000");
  MachineSpec shaped = spec_of("web-new", Bus::virtio_blk, "");
  shaped.nics = {{"52:54:00:00:00:01", "default", {}, "virtio"}};
  shaped.cpus = 2;
  const auto changed = driver->update_machine(made.id, shaped, in_time());
  REQUIRE(code_of(changed) == "ok");
  CHECK(changed->id == made.id);
  CHECK(changed->name == "web-new");
  CHECK(changed->cpus == 2U);
  CHECK(changed->nics.at(0).model == "virtio");
  REQUIRE(changed->disks.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(changed->disks[i].id == made.disks[i].id);
    CHECK(changed->disks[i].bus == Bus::virtio_blk);
  }
  shaped.disks[1].size_bytes += 512;
  CHECK(refuses(driver->update_machine(made.id, shaped, in_time()), Errc::invalid));
  shaped.disks.pop_back();
  CHECK(refuses(driver->update_machine(made.id, shaped, in_time()), Errc::invalid));
  shaped = spec_of("web-new", Bus::virtio_blk, "");
  shaped.owner = other;
  CHECK(refuses(driver->update_machine(made.id, shaped, in_time()), Errc::denied));
}

TEST_CASE("libvirt: what is written is in the file", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  spec.disks[0].format = GENERATE("raw", "qcow2");
  spec.disks[0].size_bytes = 1000001;  // odd: whole sectors are made
  const Machine made = make(*driver, spec);
  CHECK(made.disks[0].size_bytes == 1000448);
  CHECK(made.disks[0].used_bytes.value_or(0) < 300000);  // sparse
  CHECK(refuses(driver->open({made.id, made.disks[0].id, "", "", Use::write, other}, in_time()),
                Errc::denied));
  CHECK(refuses(driver->open({made.id, "none", "", "", Use::read, owner}, in_time()),
                Errc::not_found));
  auto channel = driver->open({made.id, made.disks[0].id, "", "", Use::write, owner}, in_time());
  REQUIRE(code_of(channel) == "ok");
  CHECK((*channel)->info().size_bytes == 1000448);
  CHECK((*channel)->info().reads_zero);
  CHECK((*channel)->info().flushes);
  const std::string& uri = (*channel)->info().uri;
  CHECK(check({{"qemu-io", "-f", "raw", "-c", "write -P 0x5a 0 64k", uri}}, in_time()));
  CHECK(code_of((*channel)->close(in_time())) == "ok");
  const auto back = check({{"qemu-io", "-r", "-f", spec.disks[0].format, "-c", "read -P 0x5a 0 64k",
                            "-c", "read -P 0 64k 64k", made.disks[0].id}},
                          in_time());
  REQUIRE(back);
  CHECK(back->output.find("ailed") == std::string::npos);
  auto again = driver->open({made.id, made.disks[0].id, "", "", Use::write, owner}, in_time());
  REQUIRE(code_of(again) == "ok");
  CHECK_FALSE((*again)->info().reads_zero);  // something is in it now
  CHECK(code_of((*again)->close(in_time())) == "ok");
}

TEST_CASE("libvirt: an unprivileged daemon does the same, on QEMU's own network", "[libvirt]") {
  LibvirtLab& lab = LibvirtLab::session();
  if (!lab.missing().empty()) FLYT_SKIP(lab.missing());
  lab.clean();
  const auto driver = lab.driver();
  const auto inventory = driver->inventory({}, in_time());
  REQUIRE(code_of(inventory) == "ok");
  REQUIRE(inventory->networks.size() == 1);
  CHECK(inventory->networks[0].name == "user");
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  spec.nics = {{"52:54:00:00:00:01", "user", {}, "virtio"}};
  const Machine made = make(*driver, spec);
  CHECK(made.nics.at(0).network == "user");
  auto channel = driver->open({made.id, made.disks[0].id, "", "", Use::write, owner}, in_time());
  REQUIRE(code_of(channel) == "ok");
  CHECK(code_of((*channel)->close(in_time())) == "ok");
  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::on, in_time())) == "ok");
  CHECK(driver->console(made.id, "", in_time())->known);
  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::forced_off, in_time())) == "ok");
  REQUIRE(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
}

TEST_CASE("libvirt: a console is read without a gap, and goes with its machine", "[libvirt]") {
  FLYT_LAB();
  const Machine made = make(*driver, spec_of("web01", Bus::virtio_blk, ""));
  const auto silent = driver->console(made.id, "", in_time());
  REQUIRE(code_of(silent) == "ok");
  CHECK(silent->known);
  REQUIRE(code_of(driver->set_power(made.id, Driver::PowerChange::on, in_time())) == "ok");
  const std::string log = lab.images() / ("web01." + owner.id + ".console");
  std::ofstream(log, std::ios::app) << "GUEST-READY\n" << std::string(3 << 20, 'x');
  std::filesystem::copy_file(log, log + ".0");  // as virtlogd would leave it
  std::string said, after = silent->next;
  for (bool more = true; more;) {
    const auto piece = driver->console(made.id, after, in_time());
    REQUIRE(code_of(piece) == "ok");
    said += piece->text;
    after = piece->next;
    more = piece->more;
  }
  CHECK(said.find("GUEST-READY") != std::string::npos);
  CHECK(said.size() > 3U << 20);
  lab.virsh({"pool-refresh", "default"});
  const auto inventory = driver->inventory({}, in_time());
  REQUIRE(code_of(inventory) == "ok");
  CHECK(inventory->volumes.empty());
  CHECK(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
}

TEST_CASE("libvirt: a daemon that is not there is unavailable", "[libvirt]") {
  FLYT_LAB();
  const auto nowhere = lab.driver({{"uri", "qemu+unix:///system?socket=/nonexistent/sock"}});
  const auto inventory = nowhere->inventory({}, in_time());
  REQUIRE(refuses(inventory, Errc::unavailable));
  CHECK(inventory.error().seen.find("/nonexistent/sock") != std::string::npos);
}

}  // namespace
}  // namespace flyt::tests
