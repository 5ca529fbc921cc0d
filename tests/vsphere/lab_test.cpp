// The lab itself: what the other tests of this suite lean on.
#include <fstream>
#include <stdexcept>

#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {

TEST_CASE("the vSphere lab starts with the described machines and shows them", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1}]}]})");
  const auto driver = connect(lab.endpoint());
  const Inventory found = take(driver->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 1);
  CHECK(found.machines[0].name == "web01");
  CHECK(found.machines[0].unreadable.empty());
  REQUIRE(found.machines[0].disks.size() == 1);
  CHECK(found.machines[0].disks[0].size_bytes == 1U << 20);
}

TEST_CASE("the vSphere lab counts, injects and compares", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1}]}]})");
  CHECK(lab.differences().empty());
  CHECK(lab.counter("soap.Login") == 0);
  lab.control("POST", "/power", {{"vm", "web01"}, {"state", "poweredOn"}});
  REQUIRE(lab.differences().size() == 1);
  CHECK(holds(lab.differences()[0], "power state"));
  CHECK_THROWS_AS(lab.control("POST", "/power", {{"vm", "nobody"}}), std::runtime_error);
  CHECK_THROWS_AS(lab.control("GET", "/no-such-thing"), std::runtime_error);
}

TEST_CASE("the vSphere lab says why it does not start", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[]})");
  const auto none = VsphereLab::start(R"({"machines":[{"nam":"web01"}]})");
  CHECK(holds(refusal(none, Errc::internal).seen, "nam"));
}

}  // namespace flyt::tests
