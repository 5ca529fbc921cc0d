// Several threads that wait for changes at one server.
#include <fmt/format.h>

#include <array>
#include <thread>
#include <vector>

#include "drivers/vsphere/properties.hpp"
#include "tests/vsphere/lab_session.hpp"

namespace flyt::tests {
namespace {

TEST_CASE("threads that wait for different objects each see their own change", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"m0"},{"name":"m1"},{"name":"m2"},{"name":"m3"}]})");
  LabSession lab_session(lab);
  constexpr std::size_t count = 4;
  std::array<std::string, count> seen;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i != count; ++i) {
      const vsphere::Ref machine = lab_session.machine(fmt::format("m{}", i));
      threads.emplace_back([&lab_session, &one = seen.at(i), machine] {
        const auto is_on = [&one](const vsphere::Object& now) -> Result<bool> {
          one = now.text("name");
          return now.text("runtime.powerState") == "poweredOn";
        };
        const Status waited =
            wait_until(lab_session.session(), machine, {"name", "runtime.powerState"}, is_on,
                       "waiting", in_time());
        if (!waited) one = told(waited);
      });
    }
    // All of them wait before anything changes.
    CHECK(reaches(lab, "soap.WaitForUpdatesEx", 2 * count));
    for (std::size_t i = 0; i != count; ++i) {
      lab.control("POST", "/power", {{"vm", fmt::format("m{}", i)}, {"state", "poweredOn"}});
    }
  }
  for (std::size_t i = 0; i != count; ++i) CHECK(seen.at(i) == fmt::format("m{}", i));
}

}  // namespace
}  // namespace flyt::tests
