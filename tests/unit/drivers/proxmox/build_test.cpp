#include "drivers/proxmox/build.hpp"

#include <string>

#include "base/units.hpp"
#include "tests/catch.hpp"

namespace flyt::proxmox {
namespace {

MachineSpec linux_machine() {
  MachineSpec spec;
  spec.owner.id = "flyt-abcdefghijklmnopqrst";
  spec.name = "web01";
  spec.uuid = "6e8bc430-9c3a-11d9-9669-0800200c9a66";
  spec.generation_id = "5e9f6100-c345-4190-bd6d-382fd4f76d86";
  spec.notes = "Moved by flyt";
  spec.cpus = 4;
  spec.sockets = 2;
  spec.memory_bytes = 2 * gib;
  spec.guest = {GuestFamily::linux, "debian12_64Guest", "Debian GNU/Linux 12 (64-bit)", ""};
  spec.disks = {{.size_bytes = 20 * gib, .bus = Bus::virtio_blk, .storage = "data", .boots = true},
                {.size_bytes = gib + 512, .bus = Bus::virtio_blk, .storage = "thin"}};
  spec.nics = {{"00:50:56:00:00:01", "vmbr0", 5, "virtio"}};
  return spec;
}

Foundation ground() {
  Foundation on;
  on.vmid = "9001";
  on.pool = "moved";
  on.cpu = "x86-64-v3";
  on.disks.resize(2);
  on.disks[0].id = "data";
  on.disks[0].type = "dir";
  on.disks[1].id = "thin";
  on.disks[1].type = "lvmthin";
  on.bridges.resize(1);
  on.bridges[0].name = "vmbr0";
  on.bridges[0].mtu = 9000;
  return on;
}

std::string value(const Params& params, std::string_view key) {
  for (const auto& [name, text] : params) {
    if (name == key) return text;
  }
  return "(none)";
}

TEST_CASE("a machine is asked for as a person would make it", "[proxmox]") {
  const auto made = create_params(linux_machine(), ground());
  REQUIRE(made);
  const Params& params = *made;
  CHECK(value(params, "vmid") == "9001");
  CHECK(value(params, "name") == "web01");
  CHECK(value(params, "tags") == "flyt-abcdefghijklmnopqrst");
  CHECK(value(params, "pool") == "moved");
  CHECK(value(params, "memory") == "2048");
  CHECK(value(params, "sockets") == "2");
  CHECK(value(params, "cores") == "2");
  CHECK(value(params, "cpu") == "x86-64-v3");
  CHECK(value(params, "ostype") == "l26");
  CHECK(value(params, "bios") == "seabios");
  CHECK(value(params, "machine") == "(none)");
  CHECK(value(params, "localtime") == "0");
  CHECK(value(params, "smbios1") == "uuid=6e8bc430-9c3a-11d9-9669-0800200c9a66");
  CHECK(value(params, "vmgenid") == "(none)");
  CHECK(value(params, "agent") == "enabled=1");
  CHECK(value(params, "serial0") == "socket");
  CHECK(value(params, "boot") == "order=virtio0");
  CHECK(value(params, "virtio0") == "data:20,format=qcow2,discard=on,iothread=1");
  CHECK(value(params, "virtio1") == "thin:1.00000095367431640625,discard=on,iothread=1");
  // Unplugged until it is done: the source may still run.
  CHECK(value(params, "net0") == "virtio=00:50:56:00:00:01,bridge=vmbr0,tag=5,mtu=1,link_down=1");
  CHECK(value(params, "kvm") == "(none)");
  CHECK(value(params, "onboot") == "(none)");
}

TEST_CASE("firmware, clock and disks of an unconverted Windows", "[proxmox]") {
  MachineSpec spec = linux_machine();
  spec.firmware = FirmwareKind::uefi;
  spec.secure_boot = true;
  spec.clock = ClockBase::local_time;
  spec.guest = {GuestFamily::windows, "windows2019srvNext_64Guest",
                "Microsoft Windows Server 2022 (64-bit)", ""};
  spec.disks[0].bus = spec.disks[1].bus = Bus::scsi;
  spec.disks[0].controller = spec.disks[1].controller = "VirtualLsiLogicSASController";
  spec.nics[0].model = "e1000e";
  spec.nics[0].vlan.reset();
  const auto made = create_params(spec, ground());
  REQUIRE(made);
  CHECK(value(*made, "bios") == "ovmf");
  CHECK(value(*made, "machine") == "q35");
  CHECK(value(*made, "efidisk0") == "data:1,efitype=4m,pre-enrolled-keys=1,format=qcow2");
  CHECK(value(*made, "tpmstate0") == "(none)");
  CHECK(value(*made, "localtime") == "1");
  CHECK(value(*made, "ostype") == "win11");
  CHECK(value(*made, "sata0") == "data:20,format=qcow2,discard=on,ssd=1");
  CHECK(value(*made, "boot") == "order=sata0");
  CHECK(value(*made, "serial0") == "(none)");
  CHECK(value(*made, "net0") == "e1000e=00:50:56:00:00:01,bridge=vmbr0,link_down=1");
}

TEST_CASE("a network card of a kind that Proxmox VE does not have is refused, not exchanged",
          "[proxmox]") {
  const auto card = [](const std::string& model) {
    MachineSpec spec = linux_machine();
    spec.nics = {{"00:50:56:00:00:01", "vmbr0", {}, model}};
    const auto made = create_params(spec, ground());
    return made ? value(*made, "net0") : made.error().what;
  };
  for (const char* own : {"virtio", "e1000", "e1000e", "vmxnet3", "rtl8139", "pcnet"}) {
    CHECK(card(own).starts_with(std::string(own) + "=00:50:56:00:00:01,"));
  }
  CHECK(card("E1000-82545EM").starts_with("e1000="));
  CHECK(card("VMXNET3").starts_with("vmxnet3="));
  CHECK(card("").starts_with("virtio="));  // left open: what fits the guest's disks
  CHECK(card("vmxnet2") == "network card 0: Proxmox VE has no network card vmxnet2");
  MachineSpec spec = linux_machine();
  spec.nics[0].model = "e1000-82567";
  const auto made = update_params(spec, ground(), {}, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::unsupported);
}

std::string keys_of(const std::vector<std::pair<Bus, std::string>>& disks,
                    FirmwareKind firmware = FirmwareKind::bios) {
  MachineSpec spec;
  spec.firmware = firmware;
  for (const auto& [bus, controller] : disks) {
    spec.disks.push_back({.size_bytes = mib, .bus = bus, .controller = controller});
  }
  const auto slots = slots_of(spec);
  if (!slots) return std::string(to_string(slots.error().code));
  std::string keys;
  for (const DiskSlot& slot : slots->disks) keys += slot.key + " ";
  return keys + slots->scsihw;
}

TEST_CASE("disks get slots that read_config() tells in the same order", "[proxmox]") {
  CHECK(keys_of({}).empty());
  CHECK(keys_of({{Bus::virtio_blk, ""}, {Bus::virtio_blk, ""}}) == "virtio0 virtio1 ");
  CHECK(keys_of({{Bus::virtio_scsi, ""}, {Bus::virtio_scsi, ""}}) ==
        "scsi0 scsi1 virtio-scsi-single");
  CHECK(keys_of({{Bus::scsi, "ParaVirtualSCSIController pvscsi"}}) == "scsi0 pvscsi");
  CHECK(keys_of({{Bus::scsi, "lsilogic"}, {Bus::scsi, "buslogic"}}) == "sata0 sata1 ");
  CHECK(keys_of({{Bus::ide, ""}, {Bus::ide, ""}}) == "ide0 ide1 ");
  CHECK(keys_of({{Bus::ide, ""}}, FirmwareKind::uefi) == "sata0 ");
  CHECK(keys_of({{Bus::nvme, ""}, {Bus::sata, ""}, {Bus::unknown, ""}}) == "sata0 sata1 sata2 ");
  // A disk that would be told before the one before it goes where that is.
  CHECK(keys_of({{Bus::scsi, "pvscsi"}, {Bus::sata, ""}}) == "scsi0 scsi1 pvscsi");
  CHECK(keys_of({{Bus::sata, ""}, {Bus::ide, ""}, {Bus::scsi, "pvscsi"}}) ==
        "sata0 sata1 scsi0 pvscsi");
  CHECK(keys_of({{Bus::usb, ""}}) == "unsupported");
  CHECK(keys_of(std::vector<std::pair<Bus, std::string>>(7, {Bus::sata, ""})) == "unsupported");
  CHECK(keys_of(std::vector<std::pair<Bus, std::string>>(17, {Bus::virtio_blk, ""})) ==
        "unsupported");
}

TEST_CASE("a changed machine is plugged in, keeps its volumes and loses what is gone",
          "[proxmox]") {
  MachineSpec spec = linux_machine();
  const auto now = parse_row(
      R"({"data":{"net0":"virtio=00:50:56:00:00:01,bridge=vmbr0,link_down=1","net1":"virtio,bridge=vmbr0",
      "sata0":"data:9001/vm-9001-disk-0.qcow2","virtio1":"thin:vm-9001-disk-0","digest":"abc"}})",
      "test");
  REQUIRE(now);
  const std::vector<ConfigDisk> disks{{"sata0", VolumeId::parse("data:9001/vm-9001-disk-0.qcow2")},
                                      {"virtio1", VolumeId::parse("thin:vm-9001-disk-0")}};
  const auto params = update_params(spec, ground(), *now, disks);
  REQUIRE(params);
  CHECK(value(*params, "net0") == "virtio=00:50:56:00:00:01,bridge=vmbr0,tag=5,mtu=1");
  CHECK(value(*params, "virtio0") == "data:9001/vm-9001-disk-0.qcow2,discard=on,iothread=1");
  CHECK(value(*params, "virtio1") == "(none)");
  CHECK(value(*params, "delete") == "sata0,net1");
  CHECK(value(*params, "digest") == "abc");
  CHECK(value(*params, "tags") == "(none)");
}

MachineSpec first_start_of(std::size_t disks) {
  MachineSpec spec = linux_machine();
  spec.disks.clear();
  for (std::size_t i = 0; i < disks; ++i) {
    spec.disks.push_back({.size_bytes = gib, .bus = Bus::virtio_scsi, .storage = "data"});
  }
  spec.first_start = true;
  spec.plugged = false;
  return spec;
}

TEST_CASE("a guest's first start is on SATA, beside the controller that it will have",
          "[proxmox]") {
  MachineSpec spec = first_start_of(1);
  const auto begun =
      parse_row(R"({"data":{"digest":"abc","scsi0":"data:9001/vm-9001-disk-0.qcow2"}})", "x");
  REQUIRE(begun);
  const VolumeId volume = VolumeId::parse("data:9001/vm-9001-disk-0.qcow2");
  const auto first = update_params(spec, ground(), *begun, {{"scsi0", volume}});
  REQUIRE(first);
  CHECK(value(*first, "sata0") == "data:9001/vm-9001-disk-0.qcow2,discard=on,ssd=1");
  CHECK(value(*first, "scsi1") == "none,media=cdrom");
  CHECK(value(*first, "scsihw") == "virtio-scsi-single");
  CHECK(value(*first, "boot") == "order=sata0");
  CHECK(value(*first, "delete") == "scsi0");
  CHECK(value(*first, "net0").ends_with(",link_down=1"));

  spec.first_start = false;
  spec.plugged = true;
  const auto now = parse_row(
      R"({"data":{"sata0":"data:9001/vm-9001-disk-0.qcow2","scsi1":"none,media=cdrom"}})", "x");
  REQUIRE(now);
  const auto then = update_params(spec, ground(), *now, {{"sata0", volume}});
  REQUIRE(then);
  CHECK(value(*then, "scsi0") == "data:9001/vm-9001-disk-0.qcow2,discard=on,ssd=1,iothread=1");
  CHECK(value(*then, "boot") == "order=scsi0");
  CHECK(value(*then, "delete") == "sata0,scsi1");
  CHECK_FALSE(value(*then, "net0").ends_with(",link_down=1"));
  // A disc of somebody's stays.
  const auto other = parse_row(R"({"data":{"scsi1":"local:iso/tools.iso,media=cdrom"}})", "x");
  REQUIRE(other);
  const auto beside = update_params(spec, ground(), *other, {{"scsi0", volume}});
  REQUIRE(beside);
  CHECK(value(*beside, "delete") == "(none)");
}

TEST_CASE("what SATA has no port for is on the new controller from the first start on",
          "[proxmox]") {
  const MachineSpec spec = first_start_of(8);
  const auto slots = slots_of(spec);
  REQUIRE(slots);
  CHECK(slots->disks[5].key == "sata5");
  CHECK(slots->disks[6].key == "scsi0");
  CHECK(slots->disks[7].key == "scsi1");
  const auto params = update_params(spec, ground(), {}, {});
  REQUIRE(params);
  CHECK(value(*params, "scsi8") == "(none)");
}

TEST_CASE("a TPM is asked for once, and stays as it is", "[proxmox]") {
  MachineSpec spec = linux_machine();
  spec.tpm = true;
  const auto made = create_params(spec, ground());
  REQUIRE(made);
  CHECK(value(*made, "tpmstate0") == "data:1,version=v2.0");
  CHECK(value(*made, "efidisk0") == "(none)");
  spec.firmware = FirmwareKind::uefi;
  const auto now = parse_row(
      R"({"data":{"efidisk0":"data:9001/vm-9001-disk-1.qcow2,efitype=4m,pre-enrolled-keys=0",
      "tpmstate0":"data:9001/vm-9001-disk-2.raw,size=4M,version=v2.0","net7":"e1000,bridge=b"}})",
      "test");
  REQUIRE(now);
  for (const bool asked : {true, false}) {
    spec.tpm = asked;
    const auto params = update_params(spec, ground(), *now, {});
    REQUIRE(params);
    CHECK(value(*params, "tpmstate0") == "(none)");
    CHECK(value(*params, "efidisk0") == "(none)");
    CHECK(value(*params, "delete") == "net7");
  }
  spec.tpm = true;
  spec.disks.clear();
  Foundation bare = ground();
  bare.disks.clear();
  const auto without = create_params(spec, bare);
  REQUIRE_FALSE(without);
  CHECK(without.error().code == Errc::unsupported);
}

TEST_CASE("sizes are told in GiB to the KiB", "[proxmox]") {
  CHECK(gib_text(gib) == "1");
  CHECK(gib_text(1) == "0.00000095367431640625");
  CHECK(gib_text(kib) == "0.00000095367431640625");
  CHECK(gib_text(512 * mib) == "0.5");
  CHECK(gib_text(3 * tib) == "3072");
}

TEST_CASE("guests are called by Proxmox VE's words", "[proxmox]") {
  const auto windows = [](const char* id, const char* name) {
    return ostype_of({GuestFamily::windows, id, name, ""});
  };
  CHECK(windows("windows2019srvNext_64Guest", "") == "win11");
  CHECK(windows("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)") == "win10");
  CHECK(windows("windows9_64Guest", "Microsoft Windows 10 (64-bit)") == "win10");
  CHECK(windows("windows8Server64Guest", "Microsoft Windows Server 2012 (64-bit)") == "win8");
  CHECK(windows("windows7Server64Guest", "Microsoft Windows Server 2008 R2 (64-bit)") == "win7");
  CHECK(windows("", "") == "win10");
  CHECK(ostype_of({GuestFamily::linux, "other24xLinux64Guest", "", ""}) == "l24");
  CHECK(ostype_of({GuestFamily::linux, "", "", ""}) == "l26");
  CHECK(ostype_of({GuestFamily::other, "freebsd13_64Guest", "", ""}) == "other");
  CHECK(ostype_of({GuestFamily::other, "solaris11_64Guest", "", ""}) == "solaris");
}

TEST_CASE("long notes are cut visibly and not within a character", "[proxmox]") {
  MachineSpec spec = linux_machine();
  spec.notes = std::string(8100, 'x');
  for (int i = 0; i < 100; ++i) spec.notes += "\xc3\xa5";
  const auto params = create_params(spec, ground());
  REQUIRE(params);
  const std::string notes = value(*params, "description");
  CHECK(notes.size() <= 8192);
  CHECK(notes.ends_with("\n[the rest of the notes did not fit]"));
}

TEST_CASE("the baseline is what all known processors have", "[proxmox]") {
  NodeFacts modern, old, unknown;
  modern.cpu_flags = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "sse"};
  old.cpu_flags = {"avx", "sse"};
  CHECK(cpu_baseline({}) == "x86-64-v2-AES");
  CHECK(cpu_baseline({unknown}) == "x86-64-v2-AES");
  CHECK(cpu_baseline({modern, unknown}) == "x86-64-v3");
  CHECK(cpu_baseline({modern, old}) == "x86-64-v2-AES");
}

}  // namespace
}  // namespace flyt::proxmox
