// What stands in a vCenter or on an ESXi host, in sizes and names of all kinds.
#include <algorithm>
#include <set>

#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

template <typename T>
std::vector<std::string> names(const std::vector<T>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const T& one : all) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  return names;
}

Machine machine(const Inventory& inventory, const std::string& name) {
  for (const Machine& one : inventory.machines) {
    if (one.name == name) return one;
  }
  FAIL("there is no machine " << name);
  return {};
}

bool notes(const Inventory& inventory, const std::string& text) {
  return std::any_of(inventory.notes.begin(), inventory.notes.end(),
                     [&](const std::string& note) { return holds(note, text); });
}

}  // namespace

TEST_CASE("a vCenter is named, with its ground", "[vsphere]") {
  FLYT_VSPHERE(lab, {}, {"-vms", "1", "-datacenters", "2", "-api-version", "8.0.3.0"});
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  CHECK(found.endpoint == "vcenter");
  CHECK(found.driver == "vsphere");
  CHECK(holds(found.platform, "VMware vCenter Server 8.0.3"));
  CHECK(holds(found.platform, lab.url()));
  CHECK(found.platform_id.size() == 36);
  CHECK(found.hosts.size() == 8);
  CHECK(found.storages.size() == 2);
  CHECK(found.machines.size() == 4);
  std::set<std::string> sites;
  for (const Host& host : found.hosts) {
    CHECK(host.cpus.value_or(0) > 0);
    CHECK(host.memory_bytes.value_or(0) > 0);
    CHECK(host.memory_free_bytes.value_or(0) > 0);
    CHECK(*host.memory_free_bytes < *host.memory_bytes);
    sites.insert(host.place.site);
  }
  CHECK(sites == std::set<std::string>{"DC0", "DC1"});
  for (const Storage& storage : found.storages) {
    CHECK_FALSE(storage.kind.empty());
    CHECK(storage.size_bytes.value_or(0) > storage.free_bytes.value_or(0));
    CHECK(storage.free_bytes.value_or(0) > 0);
  }
  for (const Machine& one : found.machines) {
    INFO(one.name);
    CHECK(one.unreadable.empty());
    CHECK(holds(one.folder, one.name.substr(0, 3)));  // DC0_H0_VM0 is found in DC0
    CHECK(std::any_of(found.hosts.begin(), found.hosts.end(),
                      [&](const Host& host) { return host.id == one.host; }));
  }
}

TEST_CASE("what stands around machines is not read once more for each look at one", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[
    {"name":"web01","disks":[{"sizeMiB":1}],"nics":[{"type":"e1000","network":"DC0_DVPG0"}]},
    {"name":"db01","disks":[{"sizeMiB":1}],"nics":[{"type":"e1000","network":"VM Network"}]}]})");
  const auto driver = connect(lab.endpoint());
  const Inventory all = take(driver->inventory({}, in_time()));
  const auto views = [&] { return lab.counter("soap.CreateContainerView"); };
  const auto reads = [&] {
    return lab.counter("soap.RetrievePropertiesEx") + lab.counter("soap.RetrieveProperties") +
           lab.counter("soap.ContinueRetrievePropertiesEx") + lab.counter("soap.QueryEvents");
  };
  const auto views_before = views(), reads_before = reads();
  constexpr int looks = 25;
  for (int i = 0; i < looks; ++i) {
    for (const Machine& machine : all.machines) {
      const Inventory one = take(driver->inventory({machine.id}, in_time()));
      REQUIRE(one.machines.size() == 1);
      CHECK(one.machines[0].disks[0].storage == machine.disks[0].storage);
      CHECK(one.machines[0].nics[0].network == machine.nics[0].network);
      CHECK(one.hosts.size() == all.hosts.size());
      CHECK(one.storages.size() == all.storages.size());
    }
  }
  CHECK(views() == views_before);
  const auto each = (reads() - reads_before) / looks / 2;
  INFO(each << " reads for a look");
  CHECK(each <= 4);

  // Who begins anew reads all of it once.
  const auto other = connect(lab.endpoint());
  CHECK(take(other->inventory({all.machines[0].id}, in_time())).hosts.size() == all.hosts.size());
  CHECK(views() > views_before);
}

TEST_CASE("a single ESXi host is a platform of its own", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1}]}]})", {"-esx"});
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  CHECK(holds(found.platform, "VMware ESXi"));
  CHECK_FALSE(found.platform_id.empty());
  CHECK(found.hosts.size() == 1);
  REQUIRE(found.machines.size() == 1);
  CHECK(found.machines[0].unreadable.empty());
  CHECK(found.machines[0].disks.size() == 1);
  CHECK(found.machines[0].host == found.hosts[0].id);
  CHECK(lab.counter("sessions.open") == 0);
}

TEST_CASE("five hundred machines come in pages and are the same in every order", "[vsphere]") {
  FLYT_VSPHERE(lab, {}, {"-vms", "250", "-page-max", "7"});
  const auto driver = connect(lab.endpoint());
  const Inventory found = take(driver->inventory({}, in_time()));
  CHECK(found.machines.size() == 500);
  std::set<std::string> ids, uuids;
  for (const Machine& one : found.machines) {
    ids.insert(one.id);
    uuids.insert(one.uuid);
    CHECK(one.unreadable.empty());
    CHECK(one.disks.size() == 1);
  }
  CHECK(ids.size() == 500);
  CHECK(uuids.size() == 500);
  CHECK(lab.counter("soap.ContinueRetrievePropertiesEx") >= 70);
  CHECK(std::is_sorted(found.machines.begin(), found.machines.end(),
                       [](const Machine& a, const Machine& b) { return a.name < b.name; }));
  const Inventory again = take(driver->inventory({}, in_time()));
  CHECK(names(again.machines) == names(found.machines));
  CHECK(lab.counter("soap.DestroyView") == lab.counter("soap.CreateContainerView"));
}

TEST_CASE("names are read as their users see them", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"datastores":[{"name":"backup%2fnightly"}],
    "networks":["prod 10%2f24"],
    "machines":[
      {"name":"web%2f01"},{"name":"100%25"},{"name":"back\\slash"},
      {"name":"æøå 日本","folder":"Økonomi og løn/år%2f24","annotation":"line one\nline <two> & \"three\"",
       "customValues":{"ejer <&>":"Drift & Co"},"hostName":"æ.example"},
      {"name":"a \"b\" 'c' <d> & e"},{"name":"  spaces  within "},
      {"name":"%","nics":[{"network":"prod 10%2f24"}],"disks":[{"sizeMiB":1,"datastore":"backup%2fnightly"}]}]})");
  const auto driver = connect(lab.endpoint());
  const Inventory found = take(driver->inventory({}, in_time()));
  const std::vector<std::string> expected{
      "%", "100%", "a \"b\" 'c' <d> & e", "back\\slash", "spaces  within", "web/01", "æøå 日本"};
  CHECK(names(found.machines) == expected);
  const Machine danish = machine(found, "æøå 日本");
  CHECK(danish.folder == "DC0/Økonomi og løn/år/24");
  CHECK(danish.notes == "line one\nline <two> & \"three\"");
  CHECK(danish.tags == std::vector<std::string>{"ejer <&>:Drift & Co"});
  const Machine percent = machine(found, "%");
  REQUIRE(percent.nics.size() == 1);
  CHECK(percent.nics[0].network == "prod 10/24");
  REQUIRE(percent.disks.size() == 1);
  const auto store =
      std::find_if(found.storages.begin(), found.storages.end(),
                   [&](const Storage& s) { return s.id == percent.disks[0].storage; });
  REQUIRE(store != found.storages.end());
  CHECK(store->name == "backup/nightly");
  for (const Machine& one : found.machines) {
    INFO(one.name);
    CHECK(take(driver->inventory({one.id, ""}, in_time())).machines.at(0).name == one.name);
  }
}

TEST_CASE("machines that vCenter has lost are listed with the reason", "[vsphere]") {
  FLYT_VSPHERE(lab,
               R"({"machines":[{"name":"fine","host":"DC0_C0_H0"},{"name":"lost","host":"DC0_H0"},
    {"name":"orphan","host":"DC0_C0_H0","connectionState":"orphaned"},
    {"name":"gone","host":"DC0_C0_H0","connectionState":"inaccessible"},
    {"name":"odd","host":"DC0_C0_H0","connectionState":"invalid"}]})");
  const auto driver = connect(lab.endpoint());
  CHECK(machine(take(driver->inventory({}, in_time())), "lost").unreadable.empty());
  lab.control("POST", "/host", {{"name", "DC0_H0"}, {"state", "disconnected"}});
  const Inventory found = take(driver->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 5);
  for (const Machine& one : found.machines) {
    INFO(one.name);
    CHECK_FALSE(one.id.empty());
    CHECK_FALSE(one.uuid.empty());
    CHECK(one.unreadable.empty() == (one.name == "fine"));
  }
  CHECK(holds(machine(found, "lost").unreadable, "disconnected"));
  CHECK(holds(machine(found, "orphan").unreadable, "orphaned"));
  CHECK(holds(machine(found, "gone").unreadable, "inaccessible"));
  CHECK(holds(machine(found, "odd").unreadable, "invalid"));
  CHECK(notes(found, "DC0_H0"));
}

TEST_CASE("a host that does not answer makes its machines unreadable", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"lost","host":"DC0_H0"}]})");
  lab.control("POST", "/host", {{"name", "DC0_H0"}, {"state", "notResponding"}});
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  CHECK_FALSE(machine(found, "lost").unreadable.empty());
  CHECK(notes(found, "DC0_H0"));
}

TEST_CASE("one machine is looked up by its reference alone", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01"},{"name":"db01"}]})");
  const auto driver = connect(lab.endpoint());
  const Machine web = machine(take(driver->inventory({}, in_time())), "web01");
  const Inventory one = take(driver->inventory({web.id, ""}, in_time()));
  REQUIRE(one.machines.size() == 1);
  CHECK(one.machines[0].uuid == web.uuid);
  CHECK(one.machines[0].folder == web.folder);
  for (const std::string id : {"vm-99999", "web01", "group-d1", "<x>&", ""}) {
    if (id.empty()) continue;
    INFO(id);
    const auto none = driver->inventory({id, ""}, in_time());
    CHECK(code_of(none) == "not_found");
    CHECK(holds(told(none), id));
  }
}

}  // namespace flyt::tests
