// Disks that no snapshot holds.
#include "drivers/vsphere/starts.hpp"
#include "tests/vsphere/canned_server.hpp"
#include "tests/vsphere/lab_session.hpp"

namespace flyt::tests {
namespace {

constexpr const char* machines = R"({"machines":[{"name":"db01","disks":[
  {"sizeMiB":2,"fillMiB":2,"seed":7},
  {"sizeMiB":1,"fillMiB":1,"seed":8,"mode":"independent_persistent"}]},
  {"name":"rac01","disks":[{"sizeMiB":1,"sharing":"sharingMultiWriter"}]}]})";

Machine as_alone(Driver& driver, const std::string& machine) {
  const Inventory found = take(driver.inventory({.machine = machine}, in_time()));
  REQUIRE(found.machines.size() == 1);
  return found.machines[0];
}

}  // namespace

// The lab keeps no events of a machine's power.
TEST_CASE("a start is known by the newest event that tells of one", "[vsphere]") {
  const auto event = [](const std::string& type, int key, const std::string& at) {
    return "<returnval xsi:type=\"" + type + "\"><key>" + std::to_string(key) +
           "</key><createdTime>" + at + "</createdTime></returnval>";
  };
  const auto asked = [](const std::string& events) {
    auto answers = vcenter_greeting();
    answers.push_back(
        {"<QueryEvents", 200,
         soap("<QueryEventsResponse xmlns=\"urn:vim25\">" + events + "</QueryEventsResponse>")});
    const CannedServer server(answers);
    vsphere::Session session(server_of(server.endpoint()));
    return take(last_start(session, {"VirtualMachine", "vm-7"}, in_time()));
  };
  const std::string off = event("VmPoweredOffEvent", 9, "2026-03-09T04:00:00Z");
  const std::string on = event("VmPoweredOnEvent", 7, "2026-03-09T03:00:00Z");
  const std::string by_drs = event("DrsVmPoweredOnEvent", 12, "2026-03-10T03:00:00Z");
  CHECK(asked("").empty());
  CHECK(asked(off) == "not started");
  CHECK(asked(off + on) == "started 2026-03-09T03:00:00Z, 7");
  CHECK(asked(by_drs + on + off) == "started 2026-03-10T03:00:00Z, 12");
}

TEST_CASE("what is known of the last start stands in the disks' stamps", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LabSession admin(lab);
  const std::string id = admin.machine("db01").value;
  const auto driver = connect(lab.endpoint());
  const Machine before = as_alone(*driver, id);
  for (const Disk& disk : before.disks) REQUIRE_FALSE(disk.stamp.empty());
  CHECK(before.disks.at(0).stamp != before.disks.at(1).stamp);
  CHECK(as_alone(*driver, id).disks.at(1).stamp == before.disks[1].stamp);
  lab.control("POST", "/power", {{"vm", "db01"}, {"state", "poweredOn"}});
  CHECK(holds(as_alone(*driver, id).disks.at(1).left_out, "the machine must be off"));
}

TEST_CASE("an independent disk is read beside a view of its machine", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LabSession admin(lab);
  const std::string id = admin.machine("db01").value;
  const auto driver = connect(lab.endpoint());
  const Machine machine = as_alone(*driver, id);
  const Owner owner{"flyt-abcdefghijklmnopqrst", 1};
  const View view =
      take(driver->make_view({.machine = id, .name = "flyt-1", .owner = owner}, in_time()));
  CHECK(view.got == Consistency::off);
  REQUIRE(view.disks.size() == 2);
  CHECK(view.disks[0].left_out.empty());
  CHECK(holds(view.disks[1].left_out, "independent"));
  const auto spec = [&](std::size_t disk, std::string name) {
    return OpenSpec{
        .machine = id, .disk = machine.disks[disk].id, .view = std::move(name), .owner = owner};
  };
  CHECK(code_of(driver->open(spec(0, "flyt-1"), in_time())) == "ok");
  (void)refusal(driver->open(spec(1, "flyt-1"), in_time()), Errc::unsupported);
  CHECK(code_of(driver->open(spec(1, ""), in_time())) == "ok");
  REQUIRE(code_of(driver->drop_view({.machine = id, .name = "flyt-1", .owner = owner},
                                    in_time())) == "ok");
}

TEST_CASE("of a view that was made twice nothing stays", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LabSession admin(lab);
  const std::string id = admin.machine("db01").value;
  const auto driver = connect(lab.endpoint());
  const ViewSpec view{.machine = id, .name = "flyt-1", .owner = {"flyt-abcdefghijklmnopqrst", 1}};
  for (int i = 0; i < 2; ++i) {
    lab.control("POST", "/snapshot",
                {{"vm", "db01"}, {"name", "flyt-abcdefghijklmnopqrst flyt-1"}});
  }
  REQUIRE(admin.state("db01").at("snapshots").size() == 2);
  REQUIRE(code_of(driver->drop_view(view, in_time())) == "ok");
  CHECK(admin.state("db01").at("snapshots").empty());
}

TEST_CASE("a view whose making broke off is waited for and dropped", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-task-delay-of", "CreateSnapshot_Task=2s"});
  LabSession admin(lab);
  const std::string id = admin.machine("db01").value;
  const auto driver = connect(lab.endpoint());
  const ViewSpec view{.machine = id, .name = "flyt-1", .owner = {"flyt-abcdefghijklmnopqrst", 1}};
  REQUIRE(code_of(driver->inventory({.machine = id}, in_time())) == "ok");  // it is logged in
  (void)refusal(driver->make_view(view, Call{}.within(std::chrono::milliseconds(700))),
                Errc::timed_out);
  CHECK(admin.state("db01").at("snapshots").empty());
  REQUIRE(code_of(driver->drop_view(view, in_time())) == "ok");
  CHECK(admin.state("db01").at("snapshots").empty());
  CHECK(lab.counter("soap.RemoveSnapshot_Task") == 1);
}

TEST_CASE("a disk that may be shared is not read in any way", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LabSession admin(lab);
  const std::string id = admin.machine("rac01").value;
  const auto driver = connect(lab.endpoint());
  const Machine machine = as_alone(*driver, id);
  CHECK(holds(machine.disks.at(0).left_out, "set its sharing"));
  const OpenSpec spec{.machine = id, .disk = machine.disks[0].id};
  CHECK(holds(refusal(driver->open(spec, in_time()), Errc::unsupported).seen, "shared"));
  CHECK(lab.counter("folder.requests") == 0);
}

}  // namespace flyt::tests
