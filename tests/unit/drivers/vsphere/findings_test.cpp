#include "drivers/vsphere/findings.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "drivers/concerns.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/guests.hpp"
#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

using Properties = std::map<std::string, std::string>;

// A machine that runs on VMFS, with tools, tracking, and nothing that a move has to know of:
// property answers after the vSphere API reference, as the lab gives them.
const Properties usual{
    {"name", "web01"},
    {"config.annotation", "keep"},
    {"config.changeTrackingEnabled", "true"},
    {"config.firmware", "bios"},
    {"config.guestId", "debian12_64Guest"},
    {"config.instanceUuid", "500f1c5e-0000-4000-8000-000000000001"},
    {"runtime.connectionState", "connected"},
    {"runtime.consolidationNeeded", "false"},
    {"runtime.faultToleranceState", "notConfigured"},
    {"runtime.powerState", "poweredOn"},
    {"guest.toolsRunningStatus", "guestToolsRunning"},
    {"guest.toolsVersion", "12352"},
    {"guest.toolsVersionStatus2", "guestToolsCurrent"},
    {"guest.disk", R"(<GuestDiskInfo><diskPath>/</diskPath><capacity>9000000000</capacity>
<freeSpace>100000000</freeSpace></GuestDiskInfo><GuestDiskInfo><diskPath>/var</diskPath>
<freeSpace>0</freeSpace></GuestDiskInfo>)"},
    {"config.extraConfig",
     "<OptionValue><key>disk.EnableUUID</key><value>FALSE</value></OptionValue>"},
    {"customValue", "<CustomFieldValue><key>1</key><value>Drift</value></CustomFieldValue>"}};

std::string hardware(const std::string& more = "", const std::string& backing = "") {
  return R"(<device xsi:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber>
</device><device xsi:type="VirtualDisk"><key>2000</key><deviceInfo><label>Hard disk 1</label>
</deviceInfo><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a/a.vmdk</fileName>
<datastore type="Datastore">datastore-1</datastore><diskMode>persistent</diskMode>)" +
         backing + R"(</backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber>
<capacityInBytes>1048576</capacityInBytes></device>)" +
         more;
}

struct Case {
  std::string code;
  Properties changed;
  Severity severity;
  std::string text;
};

std::vector<Concern> concerns_of(const Properties& changed) {
  Properties all = usual;
  all["config.hardware"] = hardware();
  for (const auto& [name, value] : changed) all[name] = value;
  std::string text = "<objects xmlns:xsi=\"urn:i\"><obj type=\"VirtualMachine\">vm-1</obj>";
  for (const auto& [name, value] : all) {
    text += fmt::format("<propSet><name>{}</name><val>{}</val></propSet>", name, value);
  }
  const auto document = parse_xml(text + "</objects>", "machine");
  REQUIRE(document);
  Surroundings around;
  around.datastores[{"Datastore", "datastore-1"}] = {{"datastore-1", "ds", "VMFS", {}, {}}, true};
  around.datastores[{"Datastore", "datastore-2"}] = {{"datastore-2", "lost", "NFS", {}, {}}, false};
  around.networks[{"Network", "network-1"}] = {"network-1", "plain", "portgroup", {}, {}};
  around.networks[{"OpaqueNetwork", "network-o2"}] = {"network-o2", "web seg", "nsx", {}, {}};
  around.port_groups["8c1b"] = {"OpaqueNetwork", "network-o2"};
  around.attributes["1"] = "owner";
  around.attributes["2"] = "Last Backup";
  around.rules = {{"dbs apart", "c1", AffinityKind::apart, true, {"vm-7", "vm-2"}, {}},
                  {"webs apart", "c1", AffinityKind::apart, true, {"vm-2", "vm-1"}, {}}};
  if (changed.contains("no rules")) around.rules.pop_back();
  Machine machine = machine_of(Object((*document)->document_element()), around).machine;
  add_backup_concern(machine);
  return machine.concerns;
}

std::set<std::string> codes(const std::vector<Concern>& concerns) {
  std::set<std::string> all;
  for (const Concern& one : concerns) all.insert(one.code);
  return all;
}

std::string snapshot(const std::string& name) {
  return "<rootSnapshotList><snapshot type=\"VirtualMachineSnapshot\">snapshot-1</snapshot><name>" +
         name + "</name><state>poweredOn</state></rootSnapshotList>";
}

std::string card(const std::string& backing) {
  return "<device xsi:type=\"VirtualVmxnet3\"><key>4000</key><backing>" + backing +
         "</backing></device>";
}

std::string free_space(const std::string& path, int bytes) {
  return "<GuestDiskInfo><diskPath>" + path + "</diskPath><freeSpace>" + std::to_string(bytes) +
         "</freeSpace></GuestDiskInfo>";
}

const std::string raw = "<compatibilityMode>virtualMode</compatibilityMode>";
const std::string elsewhere = R"(<device xsi:type="VirtualDisk"><key>2001</key><deviceInfo>
<label>Hard disk 2</label></deviceInfo><backing><fileName>[lost] a/b.vmdk</fileName>
<datastore type="Datastore">datastore-2</datastore></backing><controllerKey>1000</controllerKey>
<unitNumber>1</unitNumber><capacityInBytes>1048576</capacityInBytes></device>)";

using enum Severity;

std::vector<Case> cases() {
  return {
      {"V-BACKUP", {{"config.annotation", "Veeam Backup: Job x"}}, info, "its notes"},
      {"V-BACKUP",
       {{"customValue", "<CustomFieldValue><key>2</key><value>26/11</value></CustomFieldValue>"}},
       info,
       "Last Backup:26/11"},
      {"V-CONSOLIDATE", {{"runtime.consolidationNeeded", "true"}}, warning, "consolidated"},
      {"V-DATASTORE",
       {{"config.hardware", hardware(elsewhere)}},
       blocker,
       "Hard disk 2 lies on lost"},
      {"V-DISK-SERIAL",
       {{"config.extraConfig",
         "<OptionValue><key>disk.EnableUUID</key><value>TRUE</value></OptionValue>"}},
       info,
       "serial numbers"},
      {"V-ENCRYPTED", {{"config.keyId", "<keyId>k</keyId>"}}, warning, "encrypts"},
      {"V-FAULT-TOLERANCE", {{"runtime.faultToleranceState", "running"}}, warning, "no snapshots"},
      {"V-GUEST-OLD",
       {{"config.guestId", "winNetStandardGuest"}, {"config.guestFullName", "2003"}},
       warning,
       "no virtio drivers are made for 2003"},
      {"V-GUEST-OLD", {{"config.guestId", "rhel3_64Guest"}}, warning, "rhel3_64Guest"},
      {"V-GUEST-SPACE", {{"guest.disk", free_space("/", 99'999'999)}}, warning, "/ has"},
      {"V-GUEST-SPACE", {{"guest.disk", free_space("/boot", 49'999'999)}}, warning, "/boot has"},
      {"V-GUEST-SPACE", {{"guest.disk", free_space("C:\\", 0)}}, warning, "C:\\ has"},
      {"V-NSX",
       {{"config.hardware", hardware(card("<opaqueNetworkId>8c1b</opaqueNetworkId>"))}},
       warning,
       "web seg"},
      {"V-NVRAM", {{"config.firmware", "efi"}}, info, "UEFI variables"},
      {"V-PINNED", {{"config.cpuAffinity", "<affinitySet>1</affinitySet>"}}, info, "processors"},
      {"V-PINNED", {{"config.latencySensitivity", "<level>high</level>"}}, info, "processors"},
      {"V-RDM", {{"config.hardware", hardware("", raw)}}, info, "Hard disk 1"},
      {"V-SNAPSHOT-MEMORY",
       {{"layoutEx.file", "<file><key>1</key><type>snapshotMemory</type></file>"}},
       info,
       "memory"},
      {"V-SNAPSHOTS", {{"snapshot", snapshot("before")}}, warning, "1 snapshot of its own"},
      {"V-SNAPSHOTS", {{"snapshot", snapshot("a") + snapshot("b")}}, warning, "2 snapshots of"},
      {"V-TOOLS", {{"guest.toolsRunningStatus", "guestToolsNotRunning"}}, warning, "do not run"},
      {"V-TOOLS", {{"guest.toolsVersionStatus2", "guestToolsNotInstalled"}}, warning, "do not run"},
      {"V-TOOLS", {{"guest.toolsVersionStatus2", "guestToolsTooOld"}}, info, "12352 are old"},
      {"V-TRACKING", {{"config.changeTrackingEnabled", "false"}}, info, "read whole"},
  };
}

}  // namespace

TEST_CASE("a usual machine raises nothing but the rule that names it", "[vsphere]") {
  const auto found = concerns_of({});
  REQUIRE(found.size() == 1);
  CHECK(found[0].code == "V-AFFINITY");
  CHECK(found[0].text.find("webs apart") != std::string::npos);
  CHECK(concerns_of({{"no rules", ""}}).empty());
}

TEST_CASE("each thing that a move has to know is raised, and it alone", "[vsphere]") {
  std::set<std::string> seen{"V-AFFINITY"};
  for (const Case& one : cases()) {
    INFO(one.code << " " << one.text);
    Properties changed = one.changed;
    changed["no rules"] = "";
    const auto found = concerns_of(changed);
    CHECK(codes(found) == std::set<std::string>{one.code});
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == one.severity);
    CHECK(found[0].text.find(one.text) != std::string::npos);
    CHECK(found[0].text.find('\n') == std::string::npos);
    seen.insert(one.code);
  }
  // Those that devices raise have their own test.
  const std::set<std::string> of_devices{"V-BOOT-DISK", "V-CDROM", "V-DEVICE", "V-PASSTHROUGH",
                                         "V-VTPM"};
  for (const ConcernKind& kind : driver_concern_kinds()) {
    if (!kind.code.starts_with("V-") || of_devices.contains(std::string(kind.code))) continue;
    INFO("no test raises " << kind.code);
    CHECK(seen.contains(std::string(kind.code)));
  }
}

TEST_CASE("a backup's snapshot is told as one, and as a snapshot", "[vsphere]") {
  for (const char* name : {"VEEAM BACKUP TEMPORARY SNAPSHOT", "NBU_SNAPSHOT web01", "Avamar-1"}) {
    INFO(name);
    const auto found = concerns_of({{"snapshot", snapshot(name)}, {"no rules", ""}});
    CHECK(codes(found) == std::set<std::string>{"V-BACKUP", "V-SNAPSHOTS"});
    for (const Concern& one : found) CHECK(one.severity == warning);
  }
}

TEST_CASE("flyt's own snapshots are no matter", "[vsphere]") {
  CHECK(concerns_of({{"snapshot", snapshot("flyt-abcdefghijklmnopqrst flyt-1")}, {"no rules", ""}})
            .empty());
}

TEST_CASE("a machine that is off needs neither tools nor tracking", "[vsphere]") {
  CHECK(concerns_of({{"runtime.powerState", "poweredOff"},
                     {"guest.toolsRunningStatus", "guestToolsNotRunning"},
                     {"guest.toolsVersionStatus2", "guestToolsTooOld"},
                     {"config.changeTrackingEnabled", "false"},
                     {"no rules", ""}})
            .empty());
}

TEST_CASE("a network that is no segment of NSX is no matter", "[vsphere]") {
  CHECK(concerns_of(
            {{"config.hardware", hardware(card("<network type=\"Network\">network-1</network>"))},
             {"no rules", ""}})
            .empty());
}

TEST_CASE("guests of today are not too old", "[vsphere]") {
  for (const char* id :
       {"windows9_64Guest", "windows9Server64Guest", "windows2019srv_64Guest", "windows11_64Guest",
        "windowsHyperVGuest", "rhel4Guest", "rhel7_64Guest", "debian5Guest", "sles10_64Guest",
        "ubuntu64Guest", "other26xLinux64Guest", "otherGuest", ""}) {
    INFO(id);
    CHECK_FALSE(is_too_old(id));
  }
}

// By the same line as a look inside, which knows Windows' own version: base/windows_version.hpp.
TEST_CASE("guests that virtio-win has drivers for no more are too old", "[vsphere]") {
  for (const char* id :
       {"win31Guest", "win98Guest", "winNTGuest", "winXPPro64Guest", "winNetStandardGuest",
        "winVistaGuest", "winLonghorn64Guest", "windows7_64Guest", "windows7Server64Guest",
        "windows8_64Guest", "windows8Server64Guest", "rhel3_64Guest", "debian4_64Guest"}) {
    INFO(id);
    CHECK(is_too_old(id));
  }
}

}  // namespace flyt::vsphere
