// Networks, datastores and folders in a vCenter.
#include <algorithm>
#include <functional>

#include "tests/vsphere/vsphere_admin.hpp"

namespace flyt::tests {
namespace {

using vsphere::Body;
using vsphere::Ref;

const Network* network(const Inventory& inventory, const std::string& name) {
  const auto found = std::find_if(inventory.networks.begin(), inventory.networks.end(),
                                  [&](const Network& one) { return one.name == name; });
  return found == inventory.networks.end() ? nullptr : &*found;
}

// `fields`: of the VLAN's specification.
void add_distributed(VsphereAdmin& admin, const std::string& name, const std::string& kind,
                     const std::function<void(Body& body)>& fields) {
  Body body;
  body.open("spec").text("name", name).number("numPorts", 8);
  body.open("defaultPortConfig", "VMwareDVSPortSetting");
  body.open("vlan", "VmwareDistributedVirtualSwitch" + kind).flag("inherited", false);
  fields(body);
  body.close().close().text("type", "earlyBinding").close();
  admin.act("AddDVPortgroup_Task", admin.find("DistributedVirtualSwitch", "DVS0"), body);
}

}  // namespace

TEST_CASE("the VLANs of distributed port groups are read", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[]})");
  VsphereAdmin admin(lab);
  add_distributed(admin, "tagged", "VlanIdSpec", [](Body& b) { b.number("vlanId", 42); });
  add_distributed(admin, "untagged", "VlanIdSpec", [](Body& b) { b.number("vlanId", 0); });
  add_distributed(admin, "private", "PvlanSpec", [](Body& b) { b.number("pvlanId", 7); });
  add_distributed(admin, "trunk", "TrunkVlanSpec",
                  [](Body& b) { b.open("vlanId").number("start", 7).number("end", 7).close(); });
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  REQUIRE(network(found, "tagged") != nullptr);
  CHECK(network(found, "tagged")->vlan == 42U);
  CHECK(network(found, "tagged")->kind == "portgroup");
  for (const std::string name : {"untagged", "trunk", "private"}) {
    INFO(name);
    REQUIRE(network(found, name) != nullptr);
    CHECK_FALSE(network(found, name)->vlan);
  }
}

TEST_CASE("a cluster of datastores is no datastore", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","folder":"a/b","disks":[{"sizeMiB":1}]}]})");
  VsphereAdmin admin(lab);
  const Ref folder = admin.find("Folder", "datastore");
  const Ref pod = admin.act("CreateStoragePod", folder, Body().text("name", "pod 1"));
  admin.act("MoveIntoFolder_Task", pod, Body().ref("list", admin.find("Datastore", "LocalDS_0")));
  const auto driver = connect(lab.endpoint());
  const Inventory found = take(driver->inventory({}, in_time()));
  REQUIRE(found.storages.size() == 1);
  CHECK(found.storages[0].name == "LocalDS_0");
  CHECK(found.machines.at(0).disks.at(0).storage == found.storages[0].id);
  CHECK(found.machines[0].folder == "DC0/a/b");
}

}  // namespace flyt::tests
