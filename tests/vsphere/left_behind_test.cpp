// What could stay on a vSphere after a call that went wrong.
#include "tests/vsphere/lab_session.hpp"

namespace flyt::tests {
namespace {

constexpr const char* machines =
    R"({"machines":[{"name":"db01","disks":[{"sizeMiB":1,"fillMiB":1,"seed":7}]}]})";
const Owner owner{"flyt-abcdefghijklmnopqrst", 1};

// A machine with a view, of which nothing but the view is there.
struct Viewed {
  explicit Viewed(VsphereLab& of) : lab(of), driver(connect(of.endpoint())) {
    view.machine = take(driver->inventory({}, in_time())).machines.at(0).id;
    REQUIRE(code_of(driver->make_view(view, in_time())) == "ok");
  }
  std::string drop() { return told(driver->drop_view(view, in_time())); }
  bool files_left() {
    return lab.control("GET", "/state?vm=db01").at("consolidationNeeded").get<bool>();
  }
  std::size_t snapshots() { return lab.control("GET", "/state?vm=db01").at("snapshots").size(); }

  VsphereLab& lab;
  std::unique_ptr<Driver> driver;
  ViewSpec view{.name = "flyt-1", .owner = owner};
};

}  // namespace

TEST_CASE("a disk that is not served in ranges leaves no session", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  auto driver = connect(lab.endpoint());
  const Machine machine = take(driver->inventory({}, in_time())).machines.at(0);
  lab.control("POST", "/faults", {{"kind", "ignoreRange"}, {"count", -1}});
  const auto opened = driver->open(
      {.machine = machine.id, .disk = machine.disks.at(0).id, .owner = owner}, in_time());
  CHECK(holds(told(opened), "knows no ranges"));
  CHECK(lab.counter("sessions.opened") == 2);
  driver.reset();
  CHECK(lab.counter("sessions.open") == 0);
}

TEST_CASE("files that the removal of a view leaves are consolidated", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-task-delay", "10ms"});
  Viewed viewed(lab);
  lab.control("POST", "/faults", {{"kind", "consolidate"}});
  CHECK(viewed.drop() == "ok");
  CHECK(lab.counter("soap.ConsolidateVMDisks_Task") == 1);
  CHECK_FALSE(viewed.files_left());
  viewed.driver.reset();
  CHECK(lab.differences().empty());
}

TEST_CASE("a consolidation that fails is told, and done by the next call", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-task-delay", "10ms"});
  Viewed viewed(lab);
  lab.control("POST", "/faults", {{"kind", "consolidate"}});
  const std::string kind = GENERATE("failMethod", "failTask");
  lab.control("POST", "/faults",
              {{"kind", kind}, {"method", "ConsolidateVMDisks_Task"}, {"fault", "FileLocked"}});
  const std::string said = viewed.drop();
  CHECK(holds(said, "consolidating its disks"));
  CHECK(holds(said, "(FileLocked)"));
  CHECK(holds(said, "consolidate the machine's disks in vSphere"));
  CHECK(viewed.snapshots() == 0);
  CHECK(viewed.files_left());
  CHECK(viewed.drop() == "ok");
  CHECK_FALSE(viewed.files_left());
}

TEST_CASE("files that others have left are not touched", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-task-delay", "10ms"});
  Viewed viewed(lab);
  LabSession admin(lab);
  const vsphere::Ref theirs{
      "VirtualMachineSnapshot",
      lab.control("POST", "/snapshot", {{"vm", "db01"}, {"name", "theirs"}}).at("moref")};
  vsphere::Body keep;
  keep.flag("removeChildren", false).flag("consolidate", false);
  REQUIRE(code_of(admin.session().call("RemoveSnapshot_Task", theirs, keep, "theirs", in_time())) ==
          "ok");
  while (viewed.snapshots() != 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(viewed.files_left());
  CHECK(viewed.drop() == "ok");
  CHECK(viewed.snapshots() == 0);
  CHECK(lab.counter("soap.ConsolidateVMDisks_Task") == 0);
}

}  // namespace flyt::tests
