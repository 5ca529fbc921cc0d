#include "drivers/vsphere/surroundings.hpp"

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

const Ref root{"Folder", "group-d1"}, centre{"Datacenter", "datacenter-2"};
const Ref machines{"Folder", "group-v3"}, hosts{"Folder", "group-h4"};
const Ref drift{"Folder", "group-v5"}, web{"Folder", "group-v6"};
const Ref cluster{"ClusterComputeResource", "domain-c7"}, alone{"ComputeResource", "domain-s8"};
const Ref host_in{"HostSystem", "host-9"}, host_alone{"HostSystem", "host-10"};
const Ref country{"Folder", "group-d11"};

// A datacentre in a folder, a folder in a folder, a host in a cluster and one by itself.
Surroundings sample() {
  Surroundings around;
  around.places = {
      {root, {"Datacenters", {}}},  {country, {"Sjælland", root}}, {centre, {"Roskilde", country}},
      {machines, {"vm", centre}},   {hosts, {"host", centre}},     {drift, {"Drift", machines}},
      {web, {"web", drift}},        {cluster, {"c1", hosts}},      {alone, {"esx2", hosts}},
      {host_in, {"esx1", cluster}}, {host_alone, {"esx2", alone}}};
  return around;
}

}  // namespace

TEST_CASE("a folder is called as its users see it", "[vsphere]") {
  const Surroundings around = sample();
  CHECK(around.folder_of(web) == "Sjælland/Roskilde/Drift/web");
  CHECK(around.folder_of(machines) == "Sjælland/Roskilde");
  CHECK(around.folder_of({}).empty());
  CHECK(around.folder_of({"Folder", "gone"}).empty());
}

TEST_CASE("a machine in a vApp is found where the vApp is shown", "[vsphere]") {
  Surroundings around = sample();
  const Ref pool{"ResourcePool", "resgroup-1"}, shop{"VirtualApp", "resgroup-v2"};
  const Ref back{"VirtualApp", "resgroup-v3"}, lost{"VirtualApp", "resgroup-v4"};
  around.places[pool] = {"Resources", cluster};
  around.places[shop] = {"shop", pool};
  around.places[back] = {"back", shop};
  around.places[lost] = {"lost", pool};
  around.vapps = {{shop, web}, {back, {}}};
  CHECK(around.folder_in(shop) == "Sjælland/Roskilde/Drift/web/shop");
  CHECK(around.folder_in(back) == "Sjælland/Roskilde/Drift/web/shop/back");
  CHECK(around.folder_in(lost) == "lost");
  CHECK(around.folder_in({"VirtualApp", "gone"}).empty());
  CHECK(around.pool_of(back) == "shop/back");
}

TEST_CASE("a resource pool is told below the one that everything has", "[vsphere]") {
  Surroundings around = sample();
  const Ref top{"ResourcePool", "resgroup-1"}, drift_pool{"ResourcePool", "resgroup-2"};
  const Ref web_pool{"ResourcePool", "resgroup-3"};
  around.places[top] = {"Resources", cluster};
  around.places[drift_pool] = {"Drift", top};
  around.places[web_pool] = {"Web", drift_pool};
  CHECK(around.pool_of(top).empty());
  CHECK(around.pool_of(drift_pool) == "Drift");
  CHECK(around.pool_of(web_pool) == "Drift/Web");
  CHECK(around.pool_of({}).empty());
}

TEST_CASE("the datacentre and the cluster of a place are found", "[vsphere]") {
  const Surroundings around = sample();
  CHECK(around.datacentre_of(web) == "Roskilde");
  CHECK(around.datacentre_of(host_in) == "Roskilde");
  CHECK(around.datacentre(host_alone) == centre);
  CHECK(around.datacentre_of(country).empty());
  CHECK(around.datacentre_of({}).empty());
  CHECK(around.cluster_of(host_in) == "c1");
  CHECK(around.cluster_of(host_alone).empty());
  CHECK(around.cluster_of({"HostSystem", "gone"}).empty());
}

TEST_CASE("a tree that bites its tail ends all the same", "[vsphere]") {
  Surroundings around;
  around.places = {{drift, {"a", web}}, {web, {"b", drift}}};
  CHECK(around.folder_of(web).size() < 1000);
  CHECK(around.datacentre_of(web).empty());
  const Ref a{"VirtualApp", "a"}, b{"VirtualApp", "b"};
  around.places = {{a, {"a", b}}, {b, {"b", a}}};
  CHECK(around.folder_in(a).size() < 1000);
  CHECK(around.pool_of(a).size() < 1000);
}

TEST_CASE("names are unescaped as vSphere escapes them, and once", "[vsphere]") {
  CHECK(plain_name("web%2f01") == "web/01");
  CHECK(plain_name("a%2Fb%5cc%5Cd") == "a/b\\c\\d");
  CHECK(plain_name("100%25") == "100%");
  CHECK(plain_name("%252f") == "%2f");
  CHECK(plain_name("%25252f") == "%252f");
  CHECK(plain_name("50% off %20 %") == "50% off %20 %");
  CHECK(plain_name("æøå") == "æøå");
  CHECK(plain_name("").empty());
}

}  // namespace flyt::vsphere
