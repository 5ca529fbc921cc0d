// Machines with every controller, disk and card that the lab can make.
#include <algorithm>
#include <set>
#include <tuple>

#include "tests/vsphere/vsphere_admin.hpp"

namespace flyt::tests {
namespace {

Machine only_machine(VsphereLab& lab) {
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 1);
  INFO(found.machines[0].unreadable);
  CHECK(found.machines[0].unreadable.empty());
  return found.machines[0];
}

const Concern* concern(const Machine& machine, const std::string& code) {
  const auto found = std::find_if(machine.concerns.begin(), machine.concerns.end(),
                                  [&](const Concern& one) { return one.code == code; });
  return found == machine.concerns.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("a machine is described as it is configured", "[vsphere]") {
  FLYT_VSPHERE(lab, R"json({"machines":[{"name":"web01","guestId":"debian12_64Guest",
    "guestFullName":"Debian GNU/Linux 12 (64-bit)","firmware":"efi","secureBoot":true,"vtpm":true,
    "cpus":8,"coresPerSocket":4,"memoryMiB":3072,"annotation":"keep",
    "uuid":"420f1c5e-0000-4000-8000-000000000001",
    "instanceUuid":"500f1c5e-0000-4000-8000-000000000001","powerState":"poweredOn",
    "hostName":"web01.example","customValues":{
  "owner" : "x", "cost" : "42"}}]
})json");
  const Machine web = only_machine(lab);
  CHECK(web.uuid == "500f1c5e-0000-4000-8000-000000000001");
  CHECK(web.power == Power::on);
  CHECK(web.cpus == 8U);
  CHECK(web.sockets == 2U);
  CHECK(web.memory_bytes == std::uint64_t{3072} << 20);
  CHECK(web.firmware.kind == FirmwareKind::uefi);
  CHECK(web.firmware.secure_boot == true);
  CHECK(web.firmware.tpm == true);
  CHECK(web.guest.family == GuestFamily::linux);
  CHECK(web.guest.id == "debian12_64Guest");
  CHECK(web.guest.name == "Debian GNU/Linux 12 (64-bit)");
  CHECK(web.guest.host_name == "web01.example");
  CHECK(web.clock == ClockBase::utc);
  CHECK(web.notes == "keep");
  CHECK(web.tags == std::vector<std::string>{"cost:42", "owner:x"});
  CHECK_FALSE(web.is_template);
  CHECK(web.migration_id.empty());
}

TEST_CASE("a machine is told with what its guest and its platform know of it", "[vsphere]") {
  FLYT_VSPHERE(lab, R"json({"machines":[{"name":"ad01","guestId":"windows2019srv_64Guest",
    "uuid":"420f1c5e-0000-4000-8000-000000000001","hardwareVersion":"vmx-19",
    "extraConfig":{"vm.genid":"-8536691797830587195","vm.genidX":"-1723453263670062919"},
    "powerState":"poweredOn","tools":"toolsOld","changeTracking":true,"encrypted":true,
    "cdrom":"[LocalDS_0] iso/x.iso","snapshots":[{"name":"one"},{"name":"two"}]}]})json");
  const Machine ad = only_machine(lab);
  CHECK(ad.smbios_uuid == "5e1c0f42-0000-0040-8000-000000000001");
  CHECK(ad.generation_id == "09512cc5-940a-8987-b950-f54f631015e8");
  CHECK(ad.tools.state == ToolsState::running);
  CHECK(ad.tools.version == "12352");
  CHECK(ad.tools.old == true);
  CHECK(ad.hosting.snapshots == 2U);
  CHECK(ad.hosting.snapshot_memory == false);
  CHECK(ad.hosting.change_tracking == true);
  CHECK(ad.hosting.encrypted == true);
  CHECK(ad.hosting.fault_tolerant.value_or(false) == false);
  CHECK(ad.hosting.consolidation_needed == false);
  CHECK(ad.hosting.resource_pool.empty());
  REQUIRE(ad.devices.size() == 1);
  CHECK(ad.devices[0].kind == DeviceKind::cdrom);
  CHECK(ad.devices[0].backing == "[LocalDS_0] iso/x.iso");
}

TEST_CASE("tracking is not switched on over snapshots", "[vsphere]") {
  FLYT_VSPHERE(lab, R"json({"machines":[{"name":"web01","powerState":"poweredOn",
    "disks":[{"sizeMiB":1}],"snapshots":[{"name":"before-upgrade"}]}]})json");
  const auto id = only_machine(lab).id;
  const Status refused = connect(lab.endpoint())->set_tracking(id, true, in_time());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(lab.differences().empty());
}

TEST_CASE("what the tools say is told, and no more", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[
    {"name":"a","powerState":"poweredOn"},
    {"name":"b","powerState":"poweredOn","tools":"toolsNotRunning"},
    {"name":"c","powerState":"poweredOn","tools":"toolsNotInstalled"},
    {"name":"d","host":"DC0_C0_H0"}]})");
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 4);
  using enum ToolsState;
  const std::vector<ToolsState> states{running, stopped, absent, stopped};
  for (std::size_t i = 0; i < 4; ++i) {
    INFO(found.machines[i].name);
    CHECK(found.machines[i].tools.state == states[i]);
    CHECK(found.machines[i].hosting.snapshots == 0U);
    CHECK(found.machines[i].hosting.change_tracking == false);
    CHECK(found.machines[i].hosting.encrypted == false);
    CHECK(found.machines[i].generation_id.empty());
    CHECK(found.machines[i].devices.empty());
  }
  CHECK(found.machines[0].tools.old == false);
  CHECK(found.machines[0].hosting.cluster.empty());
  CHECK(found.machines[3].hosting.cluster == "DC0_C0");
}

TEST_CASE("a plain Windows machine is told from a Linux one", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"ad01","guestId":"windows2019srv_64Guest",
    "powerState":"suspended","template":true}]})");
  const Machine ad = only_machine(lab);
  CHECK(ad.guest.family == GuestFamily::windows);
  CHECK(ad.clock == ClockBase::local_time);
  CHECK(ad.firmware.kind == FirmwareKind::bios);
  CHECK(ad.firmware.secure_boot == false);
  CHECK(ad.firmware.tpm == false);
  CHECK(ad.power == Power::suspended);
  CHECK(ad.is_template);
}

TEST_CASE("disks hang on every kind of controller and come in the firmware's order", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[
    {"sizeMiB":1,"controller":"ide"},{"sizeMiB":2,"controller":"nvme"},
    {"sizeMiB":3,"controller":"sata","bus":1},{"sizeMiB":4,"controller":"sata"},
    {"sizeMiB":5,"controller":"buslogic","bus":3},{"sizeMiB":6,"controller":"lsisas","bus":2},
    {"sizeMiB":7,"controller":"lsilogic","bus":1,"unit":12},
    {"sizeMiB":8,"controller":"lsilogic","bus":1,"unit":3},{"size":1536}]}]})");
  const Machine web = only_machine(lab);
  using Row = std::tuple<Bus, std::string, std::uint64_t, std::string>;
  std::vector<Row> rows;
  std::vector<std::string> ids;
  for (const Disk& disk : web.disks) {
    rows.emplace_back(disk.bus, disk.controller, disk.size_bytes, disk.label);
    CHECK(disk.uuid.size() == 36);
    CHECK(disk.used_bytes.has_value());
    CHECK(disk.left_out.empty());
    CHECK(disk.boots == (&disk == &web.disks.front()));
    ids.push_back(disk.id);
  }
  constexpr std::uint64_t one = 1U << 20;
  CHECK(rows == std::vector<Row>{{Bus::scsi, "pvscsi", 1536, "Hard disk 9"},
                                 {Bus::scsi, "lsilogic", 8 * one, "Hard disk 8"},
                                 {Bus::scsi, "lsilogic", 7 * one, "Hard disk 7"},
                                 {Bus::scsi, "lsilogicsas", 6 * one, "Hard disk 6"},
                                 {Bus::scsi, "buslogic", 5 * one, "Hard disk 5"},
                                 {Bus::sata, "ahci", 4 * one, "Hard disk 4"},
                                 {Bus::sata, "ahci", 3 * one, "Hard disk 3"},
                                 {Bus::nvme, "nvme", 2 * one, "Hard disk 2"},
                                 {Bus::ide, "ide", one, "Hard disk 1"}});
  std::sort(ids.begin(), ids.end());
  CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
  REQUIRE(concern(web, "V-BOOT-DISK") != nullptr);
  CHECK(holds(concern(web, "V-BOOT-DISK")->text, "Hard disk 9"));
}

TEST_CASE("every kind of network card is told", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"networks":["prod net"],"machines":[{"name":"web01",
    "powerState":"poweredOn","nics":[
    {"mac":"00:50:56:AA:BB:01","type":"vmxnet3","ips":["10.0.0.5/24","fe80::1/64"]},
    {"type":"e1000","network":"DC0_DVPG0","ips":["10.0.1.5/24"]},
    {"type":"e1000e","network":"prod net","disconnected":true},
    {"type":"vmxnet2"},{"type":"pcnet32"}]}]})");
  const Machine web = only_machine(lab);
  using Row = std::tuple<std::string, std::string, bool>;
  std::vector<Row> rows;
  for (const Nic& nic : web.nics) {
    rows.emplace_back(nic.model, nic.network, nic.connected.value_or(false));
    CHECK(nic.mac.size() == 17);
  }
  CHECK(rows == std::vector<Row>{{"VmxNet3", "VM Network", true},
                                 {"E1000", "DC0_DVPG0", true},
                                 {"E1000e", "prod net", false},
                                 {"VmxNet2", "VM Network", true},
                                 {"PCNet32", "VM Network", true}});
  CHECK(web.nics[0].mac == "00:50:56:aa:bb:01");
  CHECK(web.nics[0].addresses == std::vector<std::string>{"10.0.0.5", "fe80::1"});
  CHECK(web.nics[1].addresses == std::vector<std::string>{"10.0.1.5"});
}

TEST_CASE("disks that are no plain files say how they can be read", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"datastores":[{"name":"vsan1","type":"vsan"},{"name":"nfs","type":"NFS"}],
    "machines":[{"name":"db01","powerState":"poweredOn","disks":[
    {"sizeMiB":1},
    {"sizeMiB":1,"mode":"independent_persistent"},{"sizeMiB":1,"mode":"independent_nonpersistent"},
    {"sizeMiB":1,"rdm":"physical","bus":1},{"sizeMiB":1,"rdm":"virtual","bus":1},
    {"sizeMiB":1,"sharing":"sharingMultiWriter","bus":2},
    {"sizeMiB":1,"busSharing":"virtualSharing","bus":3},
    {"sizeMiB":1,"datastore":"vsan1"},{"sizeMiB":1,"datastore":"nfs"}]}]})");
  const Machine running = only_machine(lab);
  REQUIRE(running.disks.size() == 9);
  const auto disk = [](const Machine& machine, int number) {
    const std::string label = "Hard disk " + std::to_string(number);
    for (const Disk& one : machine.disks) {
      if (one.label == label) return one;
    }
    FAIL("there is no " << label);
    return Disk{};
  };
  for (const int fine : {1, 5, 8, 9}) {
    INFO(fine);
    CHECK(disk(running, fine).left_out.empty());
    CHECK(disk(running, fine).stream_only == (fine == 5 || fine == 8));
  }
  for (const int cold : {2, 3}) {
    INFO(cold);
    CHECK(holds(disk(running, cold).left_out, "the machine must be off"));
  }
  CHECK(holds(disk(running, 2).left_out, "independent"));
  CHECK(holds(disk(running, 6).left_out, "shared"));
  CHECK(holds(disk(running, 7).left_out, "shared"));
  CHECK(holds(disk(running, 4).left_out, "physical mode"));
  lab.control("POST", "/power", {{"vm", "db01"}, {"state", "poweredOff"}});
  const Machine off = only_machine(lab);
  for (int number = 1; number != 10; ++number) {
    INFO(number);
    const bool never = number == 4 || number == 6 || number == 7;
    CHECK(disk(off, number).left_out.empty() != never);
    CHECK(disk(off, number).read_by.empty() == never);
  }
  CHECK(disk(off, 1).read_by == "HTTPS ranges (a flat file on VMFS)");
  CHECK(disk(off, 9).read_by == "HTTPS ranges (a flat file on NFS)");
  CHECK(disk(off, 5).read_by == "export leases (it is a raw mapping)");
  CHECK(disk(off, 8).read_by == "export leases (vsan keeps no flat files)");
  CHECK(holds(disk(off, 2).read_by, "only while its machine is off: "));
  CHECK(holds(disk(off, 2).read_by, "independent"));
}

TEST_CASE("an encrypted machine is read as a stream", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"hr01","encrypted":true,"disks":[{"sizeMiB":1}]}]})");
  const Machine hr = only_machine(lab);
  REQUIRE(hr.disks.size() == 1);
  CHECK(hr.disks[0].stream_only);
  CHECK(hr.disks[0].format == "vmdk");
}

TEST_CASE("snapshots of others do not change which disks a machine has", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1},{"sizeMiB":2}]}]})");
  const Machine before = only_machine(lab);
  for (const std::string name : {"one", "two", "three"}) {
    lab.control("POST", "/snapshot", {{"vm", "web01"}, {"name", name}});
  }
  const Machine after = only_machine(lab);
  REQUIRE(after.disks.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(after.disks[i].id == before.disks[i].id);
    CHECK(after.disks[i].uuid == before.disks[i].uuid);
    CHECK(after.disks[i].size_bytes == before.disks[i].size_bytes);
    CHECK(after.disks[i].storage == before.disks[i].storage);
    CHECK(after.disks[i].stream_only);
    CHECK_FALSE(before.disks[i].stream_only);
  }
}

TEST_CASE("what a move has to know of a machine in the lab is said", "[vsphere]") {
  FLYT_VSPHERE(lab, R"json({"machines":[
    {"name":"a","powerState":"poweredOn","changeTracking":true},
    {"name":"b","powerState":"poweredOn","tools":"toolsNotRunning","encrypted":true,
     "firmware":"efi","annotation":"NetBackup","extraConfig":{"disk.EnableUUID":"TRUE"},
     "snapshots":[{"name":"one"}],"disks":[{"sizeMiB":1},{"sizeMiB":1,"rdm":"virtual","bus":1}]}]})json");
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 2);
  CHECK(found.machines[0].concerns.empty());
  std::set<std::string> codes;
  for (const Concern& one : found.machines[1].concerns) codes.insert(one.code);
  CHECK(codes == std::set<std::string>{"V-BACKUP", "V-DISK-SERIAL", "V-ENCRYPTED", "V-NVRAM",
                                       "V-RDM", "V-SNAPSHOTS", "V-TOOLS", "V-TRACKING"});
}

TEST_CASE("what does not travel is said", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","cdrom":"[LocalDS_0] iso/x.iso"}]})");
  const Machine web = only_machine(lab);
  REQUIRE(concern(web, "V-CDROM") != nullptr);
  CHECK(holds(concern(web, "V-CDROM")->text, "[LocalDS_0] iso/x.iso"));
  CHECK(concern(web, "V-CDROM")->severity == Severity::warning);
}

}  // namespace flyt::tests
