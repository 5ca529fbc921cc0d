#include "drivers/decorators/read_only.hpp"

#include "drivers/memory/memory.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {

TEST_CASE("a read-only driver leaves the platform byte for byte as it was") {
  const tests::TempDir folder;
  memory::World world = memory::empty_world("p");
  memory::add_machine(world, "web01", {{4096, 1}});
  auto inner = memory::make(world, folder.path());
  REQUIRE(inner);
  const auto before = read_file(folder / "world.json", 1U << 20U);
  REQUIRE(before);
  const auto driver = read_only(std::move(*inner));
  CHECK(driver->inventory({}, {}));
  CHECK(driver->observe("web01", {}));
  const auto viewed = driver->make_view({"web01", "v", {"flyt-x", 1}}, {});
  REQUIRE_FALSE(viewed);
  CHECK(viewed.error().code == Errc::denied);
  const auto opened = driver->open({"web01", "disk0", "", "", Use::read, {}}, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::denied);
  CHECK(read_file(folder / "world.json", 1U << 20U).value_or("") == *before);
  CHECK_FALSE(std::filesystem::exists(folder / "disks"));
  CHECK_FALSE(std::filesystem::exists(folder / "views"));
}

}  // namespace flyt
