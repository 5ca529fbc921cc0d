#include "drivers/decorators/fault.hpp"

#include <string>
#include <vector>

#include "drivers/memory/memory.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

std::unique_ptr<Driver> world_with_one(const tests::TempDir& folder) {
  memory::World world = memory::empty_world("p");
  memory::add_machine(world, "web01", {{4096, 1, true}});
  auto driver = memory::make(world, folder.path());
  REQUIRE(driver);
  return std::move(*driver);
}

}  // namespace

TEST_CASE("a fault before keeps the call from the driver, one after does not") {
  const tests::TempDir folder;
  Fault::Kind kind = Fault::Kind::before;
  const auto driver = with_faults(world_with_one(folder), [&](std::string_view method) {
    return method == "set_power" ? Fault{kind, {Errc::denied, "no"}} : Fault{};
  });
  const auto power = [&] { return driver->observe("web01", {})->power; };
  const Status before = driver->set_power("web01", Driver::PowerChange::on, {});
  REQUIRE_FALSE(before);
  CHECK(before.error().code == Errc::denied);
  CHECK(before.error().what == "set_power: no");
  CHECK(power() == Power::off);
  kind = Fault::Kind::after;
  CHECK_FALSE(driver->set_power("web01", Driver::PowerChange::on, {}));
  CHECK(power() == Power::on);
}

TEST_CASE("the channels of a faulty driver fail by the same plan") {
  const tests::TempDir folder;
  std::vector<std::string> called;
  const auto driver = with_faults(world_with_one(folder), [&](std::string_view method) {
    called.emplace_back(method);
    return method == "close" ? Fault{Fault::Kind::after} : Fault{};
  });
  auto channel = driver->open({"web01", "disk0", "", "", Use::read, {}}, {});
  REQUIRE(channel);
  std::vector<std::byte> buffer(1U << 20U);
  CHECK((*channel)->next(buffer, {}));
  const Status closed = (*channel)->close({});
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == Errc::unavailable);
  CHECK(called == std::vector<std::string>{"open", "next", "close"});
}

}  // namespace flyt
