#include "drivers/driver.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

class OnlyLooks final : public Driver {
 public:
  DriverInfo info() const override { return {"looker", "1", {}, 1}; }
  Result<Inventory> inventory(const Scope&, const Call&) override { return Inventory{}; }
};

template <typename T>
void check_unsupported(const Result<T>& result) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::unsupported);
  CHECK(result.error().what.find("looker") != std::string::npos);
}

}  // namespace

TEST_CASE("what a driver does not build is unsupported and says whose fault it is") {
  OnlyLooks driver;
  check_unsupported(driver.observe("x", {}));
  check_unsupported(driver.set_tracking("x", true, {}));
  check_unsupported(driver.make_view({}, {}));
  check_unsupported(driver.drop_view({}, {}));
  check_unsupported(driver.open({}, {}));
  check_unsupported(driver.create_machine({}, {}));
  check_unsupported(driver.update_machine("x", {}, {}));
  check_unsupported(driver.destroy("x", {}, {}));
  const auto landed = driver.land({}, {});
  REQUIRE_FALSE(landed);
  CHECK(landed.error().code == Errc::unsupported);
  check_unsupported(driver.set_power("x", Driver::PowerChange::on, {}));
}

}  // namespace flyt
