// examples/memory is what a newcomer tries first.
#include <algorithm>
#include <cstdlib>

#include "drivers/memory/memory.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::memory {

TEST_CASE("the example's worlds can be opened, listed and read") {
  const char* source = std::getenv("FLYT_SOURCE");
  if (source == nullptr) FLYT_SKIP("FLYT_SOURCE does not name the source tree (./dev test does)");
  const tests::TempDir folder;
  std::filesystem::copy(std::filesystem::path(source) / "examples/memory", folder.path(),
                        std::filesystem::copy_options::recursive);
  const auto open_world = [&](const std::string& world) {
    EndpointConfig config;
    config.name = world;
    config.folder = folder.path();
    config.values["world"] = world;
    auto driver = open(config, {});
    REQUIRE(driver);
    return std::move(*driver);
  };
  const auto old_world = open_world("source");
  const auto found = old_world->inventory({}, {});
  REQUIRE(found);
  REQUIRE(found->machines.size() == 3);
  CHECK(found->machines[0].disks.at(0).stream_only);
  CHECK(found->machines[1].disks.size() == 2);
  CHECK(found->machines[1].disks[1].size_bytes % 4096 != 0);
  CHECK_FALSE(found->machines[2].unreadable.empty());
  CHECK(old_world->make_view({"db01", "v", {"flyt-x", 1}}, {}));
  const auto target = open_world("target")->inventory({}, {});
  REQUIRE(target);
  CHECK(target->machines.empty());
  CHECK(target->networks.at(0).name == "lan");
}

}  // namespace flyt::memory
