// Answers written after the API reference, where the lab cannot be made to say such things.
#include <algorithm>

#include "tests/vsphere/canned_server.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

std::string property(const std::string& name, const std::string& value) {
  return "<propSet><name>" + name + "</name>" + value + "</propSet>";
}

std::string text(const std::string& name, const std::string& value) {
  return property(name, R"(<val xsi:type="xsd:string">)" + value + "</val>");
}

std::string ref(const std::string& name, const std::string& type, const std::string& value) {
  return property(
      name, R"(<val type=")" + type + R"(" xsi:type="ManagedObjectReference">)" + value + "</val>");
}

std::string object(const std::string& type, const std::string& value,
                   const std::string& properties) {
  return "<objects><obj type=\"" + type + "\">" + value + "</obj>" + properties + "</objects>";
}

std::string port_group(const std::string& name, int vlan) {
  return "<HostPortGroup><key>key-vim.host.PortGroup-" + name +
         "</key><vswitch>key-vim.host.VirtualSwitch-vSwitch0</vswitch>"
         "<computedPolicy></computedPolicy><spec><name>" +
         name + "</name><vlanId>" + std::to_string(vlan) +
         "</vlanId><vswitchName>vSwitch0</vswitchName><policy></policy></spec></HostPortGroup>";
}

std::string host(const std::string& id, const std::string& parent, const std::string& groups) {
  return object("HostSystem", id,
                text("name", id + ".example") + ref("parent", "ComputeResource", parent) +
                    text("runtime.connectionState", "connected") +
                    property("config.network.portgroup",
                             R"(<val xsi:type="ArrayOfHostPortGroup">)" + groups + "</val>"));
}

std::string network(const std::string& type, const std::string& id, const std::string& name,
                    const std::string& folder) {
  return object(type, id, text("name", name) + ref("parent", "Folder", folder));
}

std::string folder(const std::string& type, const std::string& id, const std::string& name,
                   const std::string& parent_type, const std::string& parent) {
  return object(type, id, text("name", name) + ref("parent", parent_type, parent));
}

// One datacentre with a folder for each kind.
std::string datacentre(const std::string& n) {
  return folder("Datacenter", "datacenter-" + n, "DC" + n, "Folder", "group-d1") +
         folder("Folder", "group-n" + n, "network", "Datacenter", "datacenter-" + n) +
         folder("Folder", "group-h" + n, "host", "Datacenter", "datacenter-" + n) +
         folder("Folder", "group-v" + n, "vm", "Datacenter", "datacenter-" + n) +
         folder("ComputeResource", "domain-s" + n, "cr" + n, "Folder", "group-h" + n);
}

// What the driver asks a vCenter for, in its order: surroundings, port groups, machines.
struct World {
  std::string surroundings =
      object("Folder", "group-d1", text("name", "Datacenters")) + datacentre("1");
  std::string port_groups, machines;

  std::vector<CannedAnswer> answers() const {
    auto all = vcenter_greeting();
    const auto page = [](const std::string& objects) {
      return soap("<RetrievePropertiesExResponse xmlns=\"urn:vim25\"><returnval>" + objects +
                  "</returnval></RetrievePropertiesExResponse>");
    };
    all.push_back(
        {"<CreateContainerView", 200, soap(R"(<CreateContainerViewResponse xmlns="urn:vim25">
<returnval type="ContainerView">session[52aa]52bb</returnval></CreateContainerViewResponse>)")});
    all.push_back({"<type>HostSystem</type>", 200, page(surroundings)});
    all.push_back({"<type>DistributedVirtualPortgroup</type>", 200, page(port_groups)});
    all.push_back({"<type>VirtualMachine</type>", 200, page(machines)});
    all.push_back({"<DestroyView", 200, soap("<DestroyViewResponse xmlns=\"urn:vim25\"/>")});
    return all;
  }
};

Inventory inventory_of(const World& world) {
  const CannedServer server(world.answers());
  return take(connect(server.endpoint())->inventory({}, in_time()));
}

std::optional<std::uint32_t> vlan(const Inventory& inventory, const std::string& id) {
  for (const Network& one : inventory.networks) {
    if (one.id == id) return one.vlan;
  }
  FAIL("there is no network " << id);
  return {};
}

constexpr const char* disk_and_scsi = R"(<val xsi:type="VirtualHardware">
<numCPU>2</numCPU><numCoresPerSocket>1</numCoresPerSocket><memoryMB>1024</memoryMB>
<device xsi:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber>
<sharedBus>noSharing</sharedBus></device>
<device xsi:type="VirtualDisk"><key>2000</key><deviceInfo><label>Hard disk 1</label></deviceInfo>
<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a/a.vmdk</fileName>
<diskMode>persistent</diskMode></backing><controllerKey>1000</controllerKey>
<unitNumber>0</unitNumber><capacityInKB>1024</capacityInKB></device></val>)";

std::string machine(const std::string& id, const std::string& more) {
  return object("VirtualMachine", id,
                ref("parent", "Folder", "group-v1") + text("runtime.connectionState", "connected") +
                    property("config.hardware", disk_and_scsi) + more);
}

}  // namespace

TEST_CASE("a standard network has the VLAN that all hosts of its datacentre give it", "[vsphere]") {
  World world;
  world.surroundings +=
      datacentre("2") +
      host("host-1", "domain-s1",
           port_group("same", 7) + port_group("slash/ed", 8) + port_group("none", 0) +
               port_group("guest", 4095) + port_group("other", 11) + port_group("both", 13)) +
      host("host-2", "domain-s1", port_group("same", 7) + port_group("other", 0)) +
      host("host-3", "domain-s2", port_group("both", 99)) +
      network("Network", "network-1", "same", "group-n1") +
      network("Network", "network-2", "slash%2fed", "group-n1") +
      network("Network", "network-3", "none", "group-n1") +
      network("Network", "network-4", "guest", "group-n1") +
      network("Network", "network-5", "other", "group-n1") +
      network("Network", "network-6", "both", "group-n1") +
      network("Network", "network-7", "both", "group-n2");
  const Inventory found = inventory_of(world);
  CHECK(found.hosts.size() == 3);
  CHECK(vlan(found, "network-1") == 7U);
  CHECK(vlan(found, "network-2") == 8U);
  CHECK_FALSE(vlan(found, "network-3"));
  CHECK_FALSE(vlan(found, "network-4"));
  CHECK_FALSE(vlan(found, "network-5"));
  CHECK(vlan(found, "network-6") == 13U);
  CHECK(vlan(found, "network-7") == 99U);
  REQUIRE(found.notes.size() == 1);
  CHECK(holds(found.notes[0], "network other has other VLANs on other hosts: 0, 11"));
}

TEST_CASE("the physical links of a distributed switch are no network", "[vsphere]") {
  World world;
  const std::string kind = "DistributedVirtualPortgroup";
  world.surroundings += network(kind, "dvportgroup-1", "prod", "group-n1") +
                        network(kind, "dvportgroup-2", "switch-DVUplinks-9", "group-n1");
  const std::string ranges = R"(<val xsi:type="DVPortgroupConfigInfo">
<defaultPortConfig xsi:type="VMwareDVSPortSetting"><vlan xsi:type="VmwareDistributedVirtualSwitchTrunkVlanSpec"><inherited>false</inherited>
<vlanId><start>0</start><end>4094</end></vlanId></vlan></defaultPortConfig></val>)";
  world.port_groups = object(kind, "dvportgroup-1", text("key", "dvportgroup-1")) +
                      object(kind, "dvportgroup-2",
                             text("key", "dvportgroup-2") +
                                 property("tag", R"(<val xsi:type="ArrayOfTag"><Tag xsi:type="Tag">
<key>SYSTEM/DVS.UPLINKPG</key></Tag></val>)") +
                                 property("config", ranges));
  const Inventory found = inventory_of(world);
  REQUIRE(found.networks.size() == 1);
  CHECK(found.networks[0].name == "prod");
}

TEST_CASE("a port group that NSX keeps is told as its segment", "[vsphere]") {
  World world;
  const std::string kind = "DistributedVirtualPortgroup";
  world.surroundings += network(kind, "dvportgroup-1", "seg", "group-n1") +
                        network(kind, "dvportgroup-2", "plain", "group-n1");
  const auto group = [&](const std::string& id, const std::string& backing) {
    return object(kind, id,
                  text("key", id) + property("config", R"(<val xsi:type="DVPortgroupConfigInfo">
<defaultPortConfig xsi:type="VMwareDVSPortSetting">
<vlan xsi:type="VmwareDistributedVirtualSwitchVlanIdSpec"><vlanId>7</vlanId></vlan>
</defaultPortConfig><backingType>)" + backing + "</backingType></val>"));
  };
  world.port_groups = group("dvportgroup-1", "nsx") + group("dvportgroup-2", "standard");
  const Inventory found = inventory_of(world);
  REQUIRE(found.networks.size() == 2);
  for (const Network& one : found.networks) {
    CHECK(one.kind == (one.name == "seg" ? "nsx" : "portgroup"));
    CHECK(one.vlan == 7U);
  }
}

TEST_CASE("a card on a network of NSX is on it by name", "[vsphere]") {
  World world;
  world.surroundings += network("OpaqueNetwork", "network-o7", "nsx%2fprod", "group-n1");
  world.port_groups = object("OpaqueNetwork", "network-o7",
                             property("summary", R"(<val xsi:type="OpaqueNetworkSummary">
<name>nsx%2fprod</name><accessible>true</accessible><opaqueNetworkId>8c1b</opaqueNetworkId>
<opaqueNetworkType>nsx.LogicalSwitch</opaqueNetworkType></val>)"));
  world.machines = object("VirtualMachine", "vm-1",
                          text("name", "web01") + text("runtime.connectionState", "connected") +
                              property("config.hardware", R"(<val xsi:type="VirtualHardware">
<device xsi:type="VirtualVmxnet3"><key>4000</key>
<backing xsi:type="VirtualEthernetCardOpaqueNetworkBackingInfo">
<opaqueNetworkId>8c1b</opaqueNetworkId><opaqueNetworkType>nsx.LogicalSwitch</opaqueNetworkType>
</backing></device></val>)"));
  const Inventory found = inventory_of(world);
  REQUIRE(found.networks.size() == 1);
  CHECK(found.networks[0].kind == "nsx");
  REQUIRE(found.machines.size() == 1);
  REQUIRE(found.machines[0].nics.size() == 1);
  CHECK(found.machines[0].nics[0].network == "nsx/prod");
}

TEST_CASE("a machine in a vApp, under a rule and with reservations is told so", "[vsphere]") {
  World world;
  world.surroundings +=
      folder("ClusterComputeResource", "domain-c7", "c1", "Folder", "group-h1") +
      folder("HostSystem", "host-9", "esx9", "ClusterComputeResource", "domain-c7") +
      folder("ResourcePool", "resgroup-8", "Resources", "ClusterComputeResource", "domain-c7") +
      folder("VirtualApp", "resgroup-v9", "shop", "ResourcePool", "resgroup-8");
  world.port_groups =
      object("VirtualApp", "resgroup-v9", ref("parentFolder", "Folder", "group-v1")) +
      object("ClusterComputeResource", "domain-c7",
             property("configurationEx", R"(<val xsi:type="ClusterConfigInfoEx">
<rule xsi:type="ClusterAntiAffinityRuleSpec"><key>1</key><enabled>true</enabled><name>apart</name>
<vm type="VirtualMachine">vm-1</vm></rule></val>)"));
  const auto reservation = [](const std::string& name, int amount) {
    return property(name, "<val xsi:type=\"ResourceAllocationInfo\"><reservation>" +
                              std::to_string(amount) + "</reservation></val>");
  };
  world.machines = object(
      "VirtualMachine", "vm-1",
      text("name", "web01") + text("runtime.connectionState", "connected") +
          ref("parentVApp", "VirtualApp", "resgroup-v9") +
          ref("resourcePool", "VirtualApp", "resgroup-v9") +
          ref("runtime.host", "HostSystem", "host-9") + property("config.hardware", disk_and_scsi) +
          reservation("config.cpuAllocation", 500) + reservation("config.memoryAllocation", 1024) +
          property("config.cpuHotAddEnabled", "<val xsi:type=\"xsd:boolean\">true</val>") +
          property("config.memoryHotAddEnabled", "<val xsi:type=\"xsd:boolean\">false</val>") +
          property("config.cpuAffinity", R"(<val xsi:type="VirtualMachineAffinityInfo">
<affinitySet>3</affinitySet></val>)") +
          property("config.latencySensitivity",
                   R"(<val xsi:type="LatencySensitivity"><level>high</level></val>)") +
          property("layoutEx.file", R"(<val xsi:type="ArrayOfVirtualMachineFileLayoutExFileInfo">
<VirtualMachineFileLayoutExFileInfo><key>7</key><type>snapshotMemory</type><size>1</size>
</VirtualMachineFileLayoutExFileInfo></val>)") +
          property("summary.quickStats", R"(<val xsi:type="VirtualMachineQuickStats">
<uptimeSeconds>86400</uptimeSeconds></val>)") +
          text("runtime.faultToleranceState", "running"));
  const Inventory found = inventory_of(world);
  REQUIRE(found.machines.size() == 1);
  const Machine& web = found.machines[0];
  CHECK(web.folder == "DC1/shop");
  CHECK(web.hosting.cluster == "c1");
  CHECK(web.hosting.resource_pool == "shop");
  CHECK(web.hosting.cpu_reserved_mhz == 500U);
  CHECK(web.hosting.memory_reserved_bytes == std::uint64_t{1} << 30);
  CHECK(web.hosting.cpu_hot_add == true);
  CHECK(web.hosting.memory_hot_add == false);
  CHECK(web.hosting.pinned == true);
  CHECK(web.hosting.latency_sensitive == true);
  CHECK(web.hosting.snapshot_memory == true);
  CHECK(web.hosting.fault_tolerant == true);
  CHECK(web.hosting.up_seconds == 86400U);
  REQUIRE(found.rules.size() == 1);
  CHECK(found.rules[0].kind == AffinityKind::apart);
  CHECK(found.rules[0].cluster == "c1");
}

TEST_CASE("one text that is none hides no machine", "[vsphere]") {
  World world;
  world.machines = machine("vm-1", text("name", "web&#27;[31m01") +
                                       text("config.annotation", "caf\xe9 &#x85; &#xD800;")) +
                   machine("vm-2", text("name", "db01"));
  const Inventory found = inventory_of(world);
  REQUIRE(found.machines.size() == 2);
  CHECK(found.machines[0].name == "db01");
  CHECK(found.machines[1].name == "web\ufffd[31m01");
  CHECK(found.machines[1].notes == "caf\ufffd \ufffd \ufffd");
  CHECK(found.machines[1].unreadable.empty());
}

TEST_CASE("a machine whose configuration may not be seen says so", "[vsphere]") {
  World world;
  world.machines = object("VirtualMachine", "vm-1",
                          text("name", "secret") + text("runtime.connectionState", "connected") +
                              R"(<missingSet><path>config.hardware</path><fault>
<fault xsi:type="NoPermission"><object type="VirtualMachine">vm-1</object>
<privilegeId>System.Read</privilegeId></fault>
<localizedMessage>Permission to perform this operation was denied.</localizedMessage>
</fault></missingSet>)");
  const Inventory found = inventory_of(world);
  REQUIRE(found.machines.size() == 1);
  CHECK(found.machines[0].name == "secret");
  CHECK(holds(found.machines[0].unreadable, "config.hardware"));
  CHECK(holds(found.machines[0].unreadable, "Permission to perform this operation was denied."));
}

TEST_CASE("an empty vCenter is empty", "[vsphere]") {
  const CannedServer server = [] {
    auto answers = World{}.answers();
    for (CannedAnswer& one : answers) {
      if (!one.when.starts_with("<type>")) continue;
      one.body = soap("<RetrievePropertiesExResponse xmlns=\"urn:vim25\"/>");
    }
    return CannedServer(answers);
  }();
  const Inventory found = take(connect(server.endpoint())->inventory({}, in_time()));
  CHECK(found.machines.empty());
  CHECK(found.hosts.empty());
  CHECK(found.platform_id == "5e0d1d26-5d35-4c1a-9f5c-2e4a0a7d0b11");
}

}  // namespace flyt::tests
