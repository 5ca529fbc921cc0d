// land() through the decorators.
#include "drivers/decorators/fault.hpp"
#include "drivers/decorators/read_only.hpp"
#include "drivers/decorators/retry.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

constexpr RetryPolicy quick{3, std::chrono::milliseconds(1), std::chrono::milliseconds(1),
                            std::chrono::milliseconds(1)};

// Fails so often before it lands.
class Landing final : public Driver {
 public:
  Landing(unsigned& calls, unsigned failures) : calls_(calls), failures_(failures) {}
  DriverInfo info() const override { return {"landing", "1", {Capability::land}, 1}; }
  Result<Inventory> inventory(const Scope&, const Call&) override { return Inventory{}; }
  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call&) override {
    if (++calls_ <= failures_) return Error{Errc::unavailable, "scripted"};
    return std::vector<LandedDisk>{{"disk0", spec.machine + spec.owner.id, 1, "", ""}};
  }

 private:
  unsigned& calls_;
  const unsigned failures_;
};

}  // namespace

TEST_CASE("landing is tried again, and passed on as it was asked for") {
  unsigned calls = 0;
  const auto driver = with_faults(with_retries(std::make_unique<Landing>(calls, 2), quick),
                                  [](std::string_view) { return Fault{}; });
  const auto landed = driver->land({.machine = "m", .owner = {"flyt-x", 1}}, {});
  REQUIRE(landed);
  CHECK(landed->at(0).volume == "mflyt-x");
  CHECK(calls == 3);
}

TEST_CASE("a fault can be put into landing") {
  unsigned calls = 0;
  const auto driver = with_faults(std::make_unique<Landing>(calls, 0), [](std::string_view method) {
    return Fault{method == "land" ? Fault::Kind::after : Fault::Kind::none};
  });
  CHECK_FALSE(driver->land({.machine = "m"}, {}));
  CHECK(calls == 1);
}

TEST_CASE("who only looks lands nothing") {
  unsigned calls = 0;
  const auto driver = read_only(std::make_unique<Landing>(calls, 0));
  const auto landed = driver->land({.machine = "m"}, {});
  REQUIRE_FALSE(landed);
  CHECK(landed.error().code == Errc::denied);
  CHECK(calls == 0);
}

}  // namespace flyt
