#include "drivers/vsphere/devices.hpp"

#include <algorithm>

#include "drivers/shared/xml.hpp"
#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

struct Hardware {
  // `devices`, and config.bootOptions around `boot`.
  explicit Hardware(const std::string& devices, const std::string& boot = "")
      : document(parse_xml("<all xmlns:xsi=\"urn:i\"><hardware>" + devices + "</hardware><boot>" +
                               boot + "</boot></all>",
                           "hardware")) {
    REQUIRE(document);
    const auto root = (*document)->document_element();
    found = devices_of(xml_child(root, "hardware"), xml_child(root, "boot"));
  }
  Result<std::unique_ptr<pugi::xml_document>> document;
  Devices found;
};

std::string controller(const std::string& type, int key, int bus,
                       const std::string& sharing = "noSharing") {
  return "<device xsi:type=\"" + type + "\"><key>" + std::to_string(key) + "</key><busNumber>" +
         std::to_string(bus) + "</busNumber><sharedBus>" + sharing + "</sharedBus></device>";
}

std::string disk(int key, int controller_key, int unit, const std::string& backing,
                 const std::string& size = "<capacityInBytes>1048576</capacityInBytes>") {
  return "<device xsi:type=\"VirtualDisk\"><key>" + std::to_string(key) +
         "</key><deviceInfo><label>Hard disk " + std::to_string(key) +
         "</label></deviceInfo><backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\">" + backing +
         "</backing><controllerKey>" + std::to_string(controller_key) +
         "</controllerKey><unitNumber>" + std::to_string(unit) + "</unitNumber>" + size +
         "</device>";
}

const std::string plain = "<fileName>[ds] a/a.vmdk</fileName><diskMode>persistent</diskMode>";

std::string device(const std::string& type, const std::string& more = "") {
  return "<device xsi:type=\"" + type + "\"><key>12345</key><deviceInfo><label>" + type +
         " 1</label></deviceInfo>" + more + "</device>";
}

std::vector<std::string> keys(const Devices& devices) {
  std::vector<std::string> keys;
  keys.reserve(devices.disks.size());
  for (const DeviceDisk& one : devices.disks) keys.push_back(one.key);
  return keys;
}

std::string codes(const Devices& devices) {
  std::string codes;
  for (const Concern& one : devices.concerns) codes += one.code + " ";
  return codes;
}

// Recorded from the lab: a disk under two snapshots, of which the newest link is written to.
constexpr const char* chain = R"(<device xsi:type="VirtualDisk"><key>2000</key>
<deviceInfo xsi:type="Description"><label>Hard disk 1</label><summary>1,024 KB</summary>
</deviceInfo><backing xsi:type="VirtualDiskFlatVer2BackingInfo">
<fileName>[LocalDS_0] web%2f01/web%2f01-000002.vmdk</fileName>
<datastore type="Datastore">datastore-1001</datastore><diskMode>persistent</diskMode>
<split>false</split><writeThrough>false</writeThrough><thinProvisioned>true</thinProvisioned>
<eagerlyScrub>false</eagerlyScrub><uuid>6000c293-2773-c650-1c40-6055ae743efd</uuid>
<changeId>52 2d 7b 8f ac 61 51 cc-77 4c 7b ec 91 50 bb 7b/3</changeId>
<parent><fileName>[LocalDS_0] web%2f01/web%2f01-000001.vmdk</fileName>
<diskMode>persistent</diskMode><uuid>6000c293-2773-c650-1c40-6055ae743efd</uuid>
<parent><fileName>[LocalDS_0] web%2f01/web%2f01.vmdk</fileName><diskMode>persistent</diskMode>
<uuid>6000c293-2773-c650-1c40-6055ae743efd</uuid><sharing>sharingNone</sharing></parent>
<deltaDiskFormat>seSparseFormat</deltaDiskFormat></parent>
<deltaDiskFormat>seSparseFormat</deltaDiskFormat><sharing>sharingNone</sharing></backing>
<controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>1024</capacityInKB>
<capacityInBytes>1048576</capacityInBytes></device>)";

}  // namespace

TEST_CASE("a disk under snapshots is told with its base", "[vsphere]") {
  const Devices found = Hardware(controller("ParaVirtualSCSIController", 1000, 0) + chain).found;
  REQUIRE(found.disks.size() == 1);
  const DeviceDisk& one = found.disks[0];
  CHECK(one.key == "2000");
  CHECK(one.label == "Hard disk 1");
  CHECK(one.file == "[LocalDS_0] web%2f01/web%2f01-000002.vmdk");
  CHECK(one.base_file == "[LocalDS_0] web%2f01/web%2f01.vmdk");
  CHECK(one.uuid == "6000c293-2773-c650-1c40-6055ae743efd");
  CHECK(one.change_id == "52 2d 7b 8f ac 61 51 cc-77 4c 7b ec 91 50 bb 7b/3");
  CHECK(one.datastore == Ref{"Datastore", "datastore-1001"});
  CHECK(one.size_bytes == 1048576);
  CHECK(one.bus == Bus::scsi);
  CHECK(one.controller == "pvscsi");
  CHECK(one.thin);
  CHECK_FALSE(one.encrypted);
  CHECK(one.snapshots == 2);
  CHECK(one.mode == DiskMode::ordinary);
  CHECK(found.boots == "2000");
  CHECK(found.concerns.empty());
}

TEST_CASE("sizes are read in bytes, or in the KiB of old servers", "[vsphere]") {
  const auto size = [](const std::string& text) {
    return Hardware(disk(2000, 1000, 0, plain, text)).found.disks.at(0).size_bytes;
  };
  CHECK(size("<capacityInKB>3</capacityInKB><capacityInBytes>1536</capacityInBytes>") == 1536);
  CHECK(size("<capacityInKB>3</capacityInKB>") == 3072);
  CHECK(size("<capacityInKB>3</capacityInKB><capacityInBytes>0</capacityInBytes>") == 3072);
  CHECK(size("<capacityInBytes>68719476736512</capacityInBytes>") == 68719476736512);
  CHECK(size("") == 0);
  CHECK(size("<capacityInKB>-1</capacityInKB>") == 0);
}

TEST_CASE("what keeps a disk out of snapshots is told, the strongest reason first", "[vsphere]") {
  const auto mode = [](const std::string& backing, const std::string& sharing = "noSharing") {
    return Hardware(controller("VirtualLsiLogicController", 1000, 0, sharing) +
                    disk(2000, 1000, 0, backing))
        .found.disks.at(0)
        .mode;
  };
  const std::string independent = "<diskMode>independent_persistent</diskMode>";
  const std::string shared = "<sharing>sharingMultiWriter</sharing>";
  const std::string physical = "<compatibilityMode>physicalMode</compatibilityMode>";
  CHECK(mode(plain) == DiskMode::ordinary);
  CHECK(mode(independent) == DiskMode::independent);
  CHECK(mode("<diskMode>independent_nonpersistent</diskMode>") == DiskMode::independent);
  CHECK(mode(plain + shared) == DiskMode::shared);
  CHECK(mode(plain, "virtualSharing") == DiskMode::shared);
  CHECK(mode(plain, "physicalSharing") == DiskMode::shared);
  CHECK(mode(plain + "<compatibilityMode>virtualMode</compatibilityMode>") ==
        DiskMode::raw_virtual);
  CHECK(mode(independent + physical + shared) == DiskMode::raw_physical);
  CHECK(mode(independent + shared) == DiskMode::shared);
  CHECK(Hardware(disk(2000, 1000, 0, plain + "<keyId><keyId>k</keyId></keyId>"))
            .found.disks.at(0)
            .encrypted);
}

TEST_CASE("left_out_of_views says why, and nothing of ordinary disks", "[vsphere]") {
  DeviceDisk one;
  CHECK(left_out_of_views(one).empty());
  one.mode = DiskMode::raw_virtual;
  CHECK(left_out_of_views(one).empty());
  for (const DiskMode mode : {DiskMode::independent, DiskMode::raw_physical, DiskMode::shared}) {
    one.mode = mode;
    CHECK_FALSE(left_out_of_views(one).empty());
  }
}

TEST_CASE("disks come in the firmware's order, whatever their keys are", "[vsphere]") {
  const Devices found =
      Hardware(controller("VirtualIDEController", 200, 0) +
               controller("VirtualNVMEController", 31000, 0) +
               controller("VirtualAHCIController", 15000, 0) +
               controller("VirtualLsiLogicSASController", 1001, 1) +
               controller("VirtualBusLogicController", 1000, 0) + disk(1, 200, 0, plain) +
               disk(2, 31000, 0, plain) + disk(3, 15000, 3, plain) + disk(4, 1001, 0, plain) +
               disk(5, 1000, 9, plain) + disk(6, 1000, 2, plain) + disk(7, 99, 0, plain))
          .found;
  CHECK(keys(found) == std::vector<std::string>{"6", "5", "4", "3", "2", "1", "7"});
  CHECK(found.boots == "6");
  CHECK(codes(found) == "V-BOOT-DISK ");
  CHECK(found.disks.back().bus == Bus::unknown);
  CHECK(found.disks.back().controller.empty());
}

TEST_CASE("the boot order decides which disk boots, where it names one", "[vsphere]") {
  const std::string devices = controller("ParaVirtualSCSIController", 1000, 0) +
                              controller("VirtualAHCIController", 15000, 0) +
                              disk(2000, 1000, 0, plain) + disk(2001, 1000, 1, plain) +
                              disk(16000, 15000, 0, plain);
  const auto entry = [](const std::string& type, const std::string& key) {
    return "<bootOrder xsi:type=\"VirtualMachineBootOptionsBootable" + type + "\"><deviceKey>" +
           key + "</deviceKey></bootOrder>";
  };
  const Hardware second(devices, entry("CdromDevice", "3002") + entry("EthernetDevice", "4000") +
                                     entry("DiskDevice", "16000") + entry("DiskDevice", "2000"));
  CHECK(second.found.boots == "16000");
  CHECK(second.found.concerns.empty());
  CHECK(keys(second.found) == std::vector<std::string>{"2000", "2001", "16000"});
  CHECK(Hardware(devices, entry("DiskDevice", "9999")).found.boots == "2000");
  CHECK(Hardware(devices, entry("EthernetDevice", "2001")).found.boots == "2000");
  CHECK(Hardware(devices).found.boots == "2000");
  CHECK(Hardware("").found.boots.empty());
}

TEST_CASE("network cards are told with their plug and their network", "[vsphere]") {
  const auto card = [](const std::string& type, const std::string& backing) {
    return device(type, "<backing>" + backing +
                            "</backing><connectable><startConnected>true</startConnected>"
                            "<connected>false</connected></connectable>"
                            "<macAddress>00:50:56:AA:BB:01</macAddress>");
  };
  const Devices found =
      Hardware(
          card("VirtualVmxnet3",
               "<deviceName>VM Network</deviceName><network type=\"Network\">network-7</network>") +
          card("VirtualE1000e", "<port><portgroupKey>dvportgroup-13</portgroupKey></port>") +
          card("VirtualE1000", "<opaqueNetworkId>8c1b</opaqueNetworkId>") +
          card("VirtualVmxnet", "") + card("VirtualVmxnet2", "") + card("VirtualPCNet32", "") +
          card("VirtualSriovEthernetCard", ""))
          .found;
  REQUIRE(found.nics.size() == 7);
  CHECK(found.nics[0].nic.model == "VmxNet3");
  CHECK(found.nics[0].nic.mac == "00:50:56:aa:bb:01");
  CHECK(found.nics[0].nic.connected == true);
  CHECK(found.nics[0].network == Ref{"Network", "network-7"});
  CHECK(found.nics[0].named == "VM Network");
  CHECK(found.nics[1].nic.model == "E1000e");
  CHECK(found.nics[1].key == "dvportgroup-13");
  CHECK(found.nics[2].key == "8c1b");
  CHECK(found.nics[3].nic.model == "VmxNet");
  CHECK(found.nics[4].nic.model == "VmxNet2");
  CHECK(found.nics[5].nic.model == "PCNet32");
  CHECK(found.nics[6].nic.model.empty());
  CHECK(codes(found) == "V-PASSTHROUGH ");
}

TEST_CASE("devices that stay behind are named, those of every machine are not", "[vsphere]") {
  const Devices usual =
      Hardware(device("VirtualKeyboard") + device("VirtualPointingDevice") +
               device("VirtualMachineVideoCard") + device("VirtualMachineVMCIDevice") +
               device("VirtualPCIController") + device("VirtualPS2Controller") +
               device("VirtualSIOController") + device("VirtualUSBXHCIController") +
               device("VirtualCdrom", "<backing><deviceName>cdrom</deviceName></backing>") +
               device("VirtualFloppy") + device("SomethingNew"))
          .found;
  CHECK(codes(usual).empty());
  CHECK_FALSE(usual.tpm);
  const std::string image = "<backing><fileName>[iso] x.iso</fileName></backing>";
  const Devices odd = Hardware(device("VirtualTPM") + device("VirtualPCIPassthrough") +
                               device("VirtualUSB") + device("VirtualSCSIPassthrough") +
                               device("VirtualCdrom", image) + device("VirtualFloppy", image) +
                               device("VirtualSerialPort") + device("VirtualParallelPort"))
                          .found;
  CHECK(odd.tpm);
  CHECK(codes(odd) ==
        "V-PASSTHROUGH V-PASSTHROUGH V-PASSTHROUGH V-CDROM V-CDROM V-DEVICE V-DEVICE ");
  for (const Concern& one : odd.concerns) CHECK(one.text.find(" 1") != std::string::npos);
  std::vector<DeviceKind> kinds;
  for (const Device& one : odd.others) kinds.push_back(one.kind);
  using enum DeviceKind;
  CHECK(kinds ==
        std::vector<DeviceKind>{passthrough, usb, passthrough, cdrom, floppy, serial, parallel});
  CHECK(odd.others[3].label == "VirtualCdrom 1");
  CHECK(odd.others[3].backing == "[iso] x.iso");
  REQUIRE(usual.others.size() == 2);
  CHECK(usual.others[0].backing == "cdrom");
  CHECK(usual.others[1].backing.empty());
}

TEST_CASE("the path of a file on a datastore is taken apart", "[vsphere]") {
  const auto path = parse_datastore_path("[ds two] web01/web01.vmdk");
  REQUIRE(path);
  CHECK(path->datastore == "ds two");
  CHECK(path->path == "web01/web01.vmdk");
  CHECK(parse_datastore_path("[a [b] c] d]e/f").value().datastore == "a [b");
  for (const char* text :
       {"", "[", "[ds]", "[ds] ", "ds web01.vmdk", "[ds]web01.vmdk", " [ds] x"}) {
    INFO(text);
    const auto none = parse_datastore_path(text);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Errc::corrupt);
  }
}

}  // namespace flyt::vsphere
