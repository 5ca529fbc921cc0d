#include "drivers/proxmox/config.hpp"

#include <string>

#include "base/units.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "tests/catch.hpp"

namespace flyt::proxmox {
namespace {

Row row(std::string_view json) {
  const auto parsed = parse_row("{\"data\":" + std::string(json) + "}", "test");
  REQUIRE(parsed);
  return *parsed;
}

TEST_CASE("a device's value is taken apart and put together", "[proxmox]") {
  PropertyString drive("local:100/vm-100-disk-0.qcow2,iothread=1,size=1G", "file");
  CHECK(drive.get("file") == "local:100/vm-100-disk-0.qcow2");
  CHECK(drive.get("iothread") == "1");
  CHECK(drive.get("discard").empty());
  drive.set("discard", "on");
  drive.erase("size");
  CHECK(drive.text() == "local:100/vm-100-disk-0.qcow2,iothread=1,discard=on");
  CHECK(PropertyString("file=local:iso/x.iso,media=cdrom", "file").get("file") ==
        "local:iso/x.iso");
  CHECK(PropertyString("", "file").text().empty());
  CHECK(PropertyString(",,a=b,", "file").text() == "a=b");
}

TEST_CASE("a configuration is read as a real server tells it", "[proxmox]") {
  // The types are those of Proxmox VE 8.4: memory a text, cores a number, yes is 1.
  const ConfigFacts facts = read_config(
      row(R"({"agent":"1","memory":"2048","kvm":0,"name":"web1","scsihw":"virtio-scsi-single",
        "ostype":"l26","meta":"creation-qemu=7.2.22,ctime=1795328418","cores":2,"sockets":2,
        "scsi0":"local:100/vm-100-disk-0.qcow2,iothread=1,size=1G",
        "scsi10":"data:vm-100-disk-2,size=64M","scsi2":"data:vm-100-disk-1,size=528K",
        "ide2":"local:iso/debian.iso,media=cdrom,size=600M","serial0":"socket",
        "net0":"virtio=BC:24:11:D5:67:15,bridge=vmbr0,tag=5","net1":"model=e1000,macaddr=BC:24:11:00:00:01,bridge=vmbr1,link_down=1",
        "description":"hello\nworld","smbios1":"uuid=91e749a9-9ad8-488f-8a54-5c35e41a2c8c",
        "digest":"9f25","vmgenid":"5e9f6100-c345-4190-bd6d-382fd4f76d86","tags":"prod;flyt-abcdefghijklmnopqrst",
        "boot":"order=net0;scsi2;scsi0","lock":"backup","hostpci0":"0000:01:00.0"})"),
      "100");
  const Machine& machine = facts.machine;
  CHECK(machine.id == "100");
  CHECK(machine.name == "web1");
  CHECK(machine.uuid == "91e749a9-9ad8-488f-8a54-5c35e41a2c8c");
  CHECK(machine.smbios_uuid == machine.uuid);
  CHECK(machine.generation_id == "5e9f6100-c345-4190-bd6d-382fd4f76d86");
  CHECK(machine.notes == "hello\nworld");
  CHECK(machine.migration_id == "flyt-abcdefghijklmnopqrst");
  CHECK(machine.cpus == 4);
  CHECK(machine.sockets == 2);
  CHECK(machine.memory_bytes == 2 * gib);
  CHECK(machine.firmware.kind == FirmwareKind::bios);
  CHECK(machine.clock == ClockBase::utc);
  CHECK(machine.guest.family == GuestFamily::linux);
  REQUIRE(machine.disks.size() == 3);
  CHECK(machine.disks[0].id == "scsi0");
  CHECK(machine.disks[0].size_bytes == gib);
  CHECK(machine.disks[0].bus == Bus::virtio_scsi);
  CHECK(machine.disks[0].format == "qcow2");
  CHECK(machine.disks[0].storage == "local");
  CHECK(machine.disks[1].id == "scsi2");
  CHECK(machine.disks[1].size_bytes == 528 * kib);
  CHECK(machine.disks[1].boots);
  CHECK(machine.disks[1].format == "raw");
  CHECK(machine.disks[2].id == "scsi10");
  REQUIRE(machine.nics.size() == 2);
  CHECK(machine.nics[0].mac == "bc:24:11:d5:67:15");
  CHECK(machine.nics[0].model == "virtio");
  CHECK(machine.nics[0].network == "vmbr0");
  CHECK(machine.nics[0].connected == true);
  CHECK(machine.nics[1].mac == "bc:24:11:00:00:01");
  CHECK(machine.nics[1].model == "e1000");
  CHECK(machine.nics[1].connected == false);
  CHECK(machine.devices.size() == 3);
  CHECK(facts.lock == "backup");
  CHECK(facts.digest == "9f25");
  CHECK(facts.agent);
}

TEST_CASE("a machine with firmware of its own and no name", "[proxmox]") {
  const ConfigFacts facts = read_config(
      row(R"({"bios":"ovmf","efidisk0":"local:108/vm-108-disk-0.qcow2,efitype=4m,pre-enrolled-keys=1,size=528K",
        "tpmstate0":"local:108/vm-108-disk-2.raw,size=4M,version=v2.0","ostype":"win11",
        "sata0":"/dev/sdb","meta":"ctime=17","boot":" ","bootdisk":"sata0"})"),
      "108");
  CHECK(facts.machine.name == "VM 108");
  CHECK(facts.machine.uuid == "108/17");
  CHECK(facts.machine.firmware.kind == FirmwareKind::uefi);
  CHECK(facts.machine.firmware.secure_boot == true);
  CHECK(facts.machine.firmware.tpm == true);
  CHECK(facts.machine.clock == ClockBase::local_time);
  CHECK(facts.machine.memory_bytes == 512 * mib);
  CHECK(facts.machine.cpus == 1);
  REQUIRE(facts.machine.disks.size() == 1);
  CHECK_FALSE(facts.machine.disks[0].left_out.empty());
  CHECK(facts.machine.disks[0].boots);
  CHECK_FALSE(facts.agent);
}

TEST_CASE("disks are told by bus and number", "[proxmox]") {
  const ConfigFacts facts = read_config(
      row(R"({"virtio1":"a:1","virtio0":"a:2","sata3":"a:3","ide0":"a:4","scsi12":"a:5","scsi9":"a:6",
        "unused0":"a:7","scsihw":"pvscsi"})"),
      "1");
  std::string order;
  for (const Disk& disk : facts.machine.disks) order += disk.id + " ";
  CHECK(order == "ide0 sata3 scsi9 scsi12 virtio0 virtio1 ");
  CHECK(facts.machine.disks[2].bus == Bus::scsi);
  CHECK(facts.machine.disks[2].controller == "pvscsi");
}

TEST_CASE("the tag of a migration is found among others", "[proxmox]") {
  CHECK(migration_of("a;flyt-abcdefghijklmnopqrst;b") == "flyt-abcdefghijklmnopqrst");
  CHECK(migration_of("a, flyt-abcdefghijklmnopqrst") == "flyt-abcdefghijklmnopqrst");
  CHECK(migration_of("flyt-short;flytabcdefghijklmnopqrstuv").empty());
  CHECK(migration_of("").empty());
}

TEST_CASE("a volume's name is storage and rest", "[proxmox]") {
  CHECK(VolumeId::parse("local:100/vm-100-disk-0.qcow2").storage == "local");
  CHECK(VolumeId::parse("local:100/vm-100-disk-0.qcow2").name == "100/vm-100-disk-0.qcow2");
  for (const char* none : {"", "none", ":x", "x:", "/dev/disk/by-id/a:b"}) {
    INFO(none);
    CHECK(VolumeId::parse(none).storage.empty());
  }
}

}  // namespace
}  // namespace flyt::proxmox
