#include "planners/estimate.hpp"

#include <chrono>

#include "base/units.hpp"
#include "plans/plan.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("An estimate has no start in it where nothing is started", "[planners]") {
  PlannedMachine machine, image, golden;
  image.spec.bare = "iso";
  golden.source.is_template = true;
  const auto of_machine = estimate({machine}, {});
  for (const PlannedMachine& never : {image, golden}) {
    const auto of_never = estimate({never}, {});
    CHECK(of_never.low < of_machine.low);
    CHECK(of_never.likely < of_machine.likely / 10);
    CHECK(of_never.high < of_machine.high);
    CHECK(estimate({never, machine}, {}).high == of_never.high + of_machine.high);
  }
}

TEST_CASE("An estimate counts what lands when its source is off", "[planners]") {
  using std::chrono::seconds;
  PlannedMachine web, db;
  web.copy_bytes = 1200 * mib;
  web.spec.disks = {{.size_bytes = 2 * gib, .storage = "fast"}};
  db.copy_bytes = 600 * mib;
  db.spec.disks = {{.size_bytes = gib, .storage = "nfs"}};
  const auto now = estimate({web, db}, {{.name = "fast"}, {.name = "nfs"}});
  const auto later = estimate({web, db}, {{.name = "fast", .later = true}, {.name = "nfs"}});
  CHECK(later.copy_bytes == now.copy_bytes);
  CHECK(later.land_bytes == web.copy_bytes);
  CHECK(later.land == seconds{20});
  CHECK(later.likely == now.likely + seconds{20});
  CHECK(later.low == now.low + seconds{10});
  CHECK(later.high == now.high + seconds{40});
}

}  // namespace
}  // namespace flyt
