#include "drivers/libvirt/domain_build.hpp"

#include "drivers/libvirt/domain_xml.hpp"
#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

MachineSpec spec_with(std::initializer_list<DiskSpec> disks) {
  MachineSpec spec;
  spec.owner = {"flyt-abcdefghij234567abcd", 1};
  spec.name = "web01 <&\">";
  spec.uuid = "6d0a7b5e-0d0c-4a57-8f4e-0d5a1b0e7c11";
  spec.notes = "from vcenter & back";
  spec.cpus = 3;
  spec.memory_bytes = std::uint64_t{1} << 30;
  spec.disks = disks;
  return spec;
}

DiskSpec disk_on(Bus bus, const std::string& controller = {}) {
  DiskSpec disk;
  disk.size_bytes = 1 << 20;
  disk.bus = bus;
  disk.controller = controller;
  return disk;
}

Placement placement_for(const MachineSpec& spec) {
  Placement placement;
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    placement.disks.push_back({"/images/" + std::to_string(i), "raw"});
  }
  placement.nics.assign(spec.nics.size(), {"network", "default"});
  placement.console = "/images/web01.console";
  return placement;
}

std::string build(const MachineSpec& spec) {
  const auto xml = build_domain(spec, placement_for(spec));
  REQUIRE(xml);
  return *xml;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("libvirt: a first start is on SATA, beside a virtio controller and unplugged", "[unit]") {
  MachineSpec spec = spec_with({disk_on(Bus::virtio_scsi)});
  spec.nics = {{"52:54:00:00:00:01", "default", {}, "virtio"}};
  spec.first_start = true;
  spec.plugged = false;
  const std::string first = build(spec);
  CHECK(holds(first, R"(<controller type="scsi" index="0" model="virtio-scsi" />)"));
  CHECK(holds(first, R"(<target dev="sda" bus="sata" />)"));
  CHECK(holds(first, R"(<link state="down" />)"));
  spec.first_start = false;
  spec.plugged = true;
  const std::string then = build(spec);
  CHECK(holds(then, R"(<target dev="sda" bus="scsi" />)"));
  CHECK_FALSE(holds(then, "sata"));
  CHECK_FALSE(holds(then, "link state"));
}

TEST_CASE("libvirt: a TPM is an emulated one of version 2.0, and only where it is asked for",
          "[unit]") {
  MachineSpec spec = spec_with({disk_on(Bus::virtio_blk)});
  CHECK_FALSE(holds(build(spec), "<tpm"));
  spec.tpm = true;
  const std::string xml = build(spec);
  CHECK(holds(xml, "<tpm model=\"tpm-crb\">"));
  CHECK(holds(xml, "<backend type=\"emulator\" version=\"2.0\" />"));
}

TEST_CASE("libvirt: what is built is read back as it was asked for", "[unit]") {
  MachineSpec spec = spec_with({disk_on(Bus::virtio_blk), disk_on(Bus::virtio_scsi)});
  spec.disks[1].boots = true;
  spec.clock = ClockBase::local_time;
  spec.generation_id = "09512cc5-940a-8987-b950-f54f631015e8";
  spec.firmware = FirmwareKind::uefi;
  spec.secure_boot = GENERATE(true, false);
  spec.tpm = !spec.secure_boot;
  spec.nics = {{"52:54:00:00:00:01", "default", {}, "E1000e"}};
  const auto facts = parse_domain(build(spec));
  REQUIRE(facts);
  const Machine& machine = facts->machine;
  CHECK(machine.name == spec.name);
  CHECK(machine.uuid == spec.uuid);
  CHECK(machine.smbios_uuid == spec.uuid);
  CHECK(machine.generation_id == spec.generation_id);
  CHECK(machine.notes == spec.notes);
  CHECK(machine.migration_id == spec.owner.id);
  CHECK(machine.cpus == spec.cpus);
  CHECK(machine.memory_bytes == spec.memory_bytes);
  CHECK(machine.firmware.kind == FirmwareKind::uefi);
  CHECK(machine.firmware.secure_boot == spec.secure_boot);
  CHECK(machine.firmware.tpm == spec.tpm);
  CHECK(machine.clock == ClockBase::local_time);
  REQUIRE(machine.disks.size() == 2);
  CHECK(machine.disks[0].bus == Bus::virtio_blk);
  CHECK(machine.disks[1].bus == Bus::virtio_scsi);
  CHECK_FALSE(machine.disks[0].boots);
  CHECK(machine.disks[1].boots);
  REQUIRE(machine.nics.size() == 1);
  CHECK(machine.nics[0].mac == "52:54:00:00:00:01");
  CHECK(machine.nics[0].model == "e1000e");
  CHECK(facts->console == "/images/web01.console");
  CHECK(facts->agent_channel);
  CHECK(facts->emulation == "qemu");
}

TEST_CASE("libvirt: a machine without a generation id gets no device for one", "[unit]") {
  CHECK_FALSE(holds(build(spec_with({disk_on(Bus::virtio_blk)})), "genid"));
}

TEST_CASE("libvirt: controllers of other platforms find their nearest", "[unit]") {
  const auto model = [](const char* wanted) {
    const auto facts = parse_domain(build(spec_with({disk_on(Bus::scsi, wanted)})));
    REQUIRE(facts);
    return facts->machine.disks.at(0).controller;
  };
  CHECK(model("pvscsi") == "vmpvscsi");
  CHECK(model("VirtualSCSI") == "vmpvscsi");
  CHECK(model("lsilogic") == "lsisas1068");
  CHECK(model("lsilogicsas") == "lsisas1068");
  CHECK(model("") == "lsisas1068");
}

TEST_CASE("libvirt: two SCSI disks are two targets, and LSI disks have names", "[unit]") {
  const std::string xml =
      build(spec_with({disk_on(Bus::scsi, "lsilogic"), disk_on(Bus::scsi, "lsilogic"),
                       disk_on(Bus::scsi, "pvscsi")}));
  CHECK(holds(xml, R"(controller="0" bus="0" target="1" unit="0")"));
  CHECK(holds(xml, R"(controller="1" bus="0" target="0" unit="0")"));
  const auto first = xml.find("<wwn>"), second = xml.find("<wwn>", first + 1);
  REQUIRE(second != std::string::npos);
  CHECK(xml.substr(first, 21) != xml.substr(second, 21));
  CHECK(xml.find("<wwn>", second + 1) == std::string::npos);
}

TEST_CASE("libvirt: BIOS guests get a pc with IDE, UEFI guests a q35 with SATA", "[unit]") {
  MachineSpec spec = spec_with({disk_on(Bus::ide), disk_on(Bus::ide), disk_on(Bus::ide)});
  std::string xml = build(spec);
  CHECK(holds(xml, R"(machine="pc")"));
  CHECK(holds(xml, R"(dev="hdc" bus="ide")"));
  CHECK(holds(xml, R"(bus="1" target="0" unit="0")"));
  spec.firmware = FirmwareKind::uefi;
  xml = build(spec);
  CHECK(holds(xml, R"(machine="q35")"));
  CHECK(holds(xml, R"(firmware="efi")"));
  CHECK(holds(xml, R"(dev="sdc" bus="sata")"));
}

TEST_CASE("libvirt: what QEMU lacks is refused before anything is made", "[unit]") {
  const auto code = [](const MachineSpec& spec) {
    const auto built = build_domain(spec, placement_for(spec));
    return built ? std::string("ok") : std::string(to_string(built.error().code));
  };
  CHECK(code(spec_with({disk_on(Bus::usb)})) == "unsupported");
  MachineSpec many = spec_with({});
  many.disks.assign(5, disk_on(Bus::ide));
  CHECK(code(many) == "unsupported");
  many.disks.assign(4, disk_on(Bus::ide));
  CHECK(code(many) == "ok");
  many.disks.assign(27, disk_on(Bus::virtio_blk));
  CHECK(code(many) == "unsupported");
  MachineSpec uneven = spec_with({});
  uneven.sockets = 2;  // of three processors
  CHECK(code(uneven) == "invalid");
  MachineSpec odd = spec_with({});
  odd.nics = {{"", "default", {}, "ne2k"}};
  CHECK(code(odd) == "unsupported");
}

TEST_CASE("libvirt: network cards by name, and virtio only for a guest that has it", "[unit]") {
  const auto model = [](Bus bus, const char* wanted) {
    MachineSpec spec = spec_with({disk_on(bus)});
    spec.nics = {{"", "default", {}, wanted}};
    const auto facts = parse_domain(build(spec));
    REQUIRE(facts);
    return facts->machine.nics.at(0).model;
  };
  CHECK(model(Bus::scsi, "") == "e1000");
  CHECK(model(Bus::virtio_blk, "") == "virtio");
  CHECK(model(Bus::scsi, "VMXNET3") == "vmxnet3");
  CHECK(model(Bus::scsi, "PCNet32") == "pcnet");
  CHECK(model(Bus::scsi, "pcnet") == "pcnet");
}

TEST_CASE("libvirt: NVMe disks come on SATA", "[unit]") {
  const auto facts = parse_domain(build(spec_with({disk_on(Bus::nvme), disk_on(Bus::sata)})));
  REQUIRE(facts);
  CHECK(facts->machine.disks.at(0).bus == Bus::sata);
  CHECK(facts->disks.at(1).target == "sdb");
}

TEST_CASE("libvirt: more disks than a controller takes go onto another one", "[unit]") {
  MachineSpec spec = spec_with({});
  spec.disks.assign(7, disk_on(Bus::sata));
  std::string xml = build(spec);
  CHECK(holds(xml, R"(<controller type="sata" index="1")"));
  CHECK(holds(xml, R"(<address type="drive" controller="1" bus="0" target="0" unit="0")"));
  CHECK_FALSE(holds(xml, R"(<controller type="sata" index="2")"));
  spec.disks.assign(17, disk_on(Bus::scsi, "pvscsi"));
  spec.disks.push_back(disk_on(Bus::scsi, "lsilogic"));
  xml = build(spec);
  CHECK(holds(xml, R"(<controller type="scsi" index="1" model="vmpvscsi")"));
  CHECK(holds(xml, R"(<controller type="scsi" index="2" model="lsisas1068")"));
  CHECK(holds(xml, R"(<address type="drive" controller="2" bus="0" target="0" unit="0")"));
  spec.disks.assign(9, disk_on(Bus::scsi, "lsilogic"));  // QEMU's has eight ports
  CHECK(holds(build(spec), R"(<controller type="scsi" index="1" model="lsisas1068")"));
  spec.disks.assign(28, disk_on(Bus::virtio_scsi));
  CHECK(holds(build(spec), R"(dev="sdab")"));
}

TEST_CASE("libvirt: sockets are as many as asked for", "[unit]") {
  MachineSpec spec = spec_with({disk_on(Bus::sata)});
  spec.cpus = 8;
  CHECK_FALSE(holds(build(spec), "<topology"));
  spec.sockets = 2;
  const std::string xml = build(spec);
  CHECK(holds(xml, R"(<topology sockets="2" cores="4" threads="1")"));
  const auto facts = parse_domain(xml);
  REQUIRE(facts);
  CHECK(facts->machine.sockets == 2U);
  CHECK(facts->machine.cpus == 8U);
}

}  // namespace
}  // namespace flyt::virt
