// What a host says of a disk that is empty.
#include "drivers/shared/landing.hpp"
#include "tests/catch.hpp"
#include "tests/faults/landing_fixture.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

bool cannot_run() { return !missing_for_landing().empty(); }

TEST_CASE("landing: another sign of emptiness than the map is asked for of the disk itself",
          "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const LandingHost host = GENERATE(from_range(landing_hosts()));
  const TempDir dir;
  const std::string path = make_disk(dir, "raw");
  const auto is_4m = [](std::string_view line) { return line == "size 4194304"; };
  const EmptyTest by_size{"stat -c 'size %s' \"$1\"; echo more; exit 1", is_4m};
  const EmptyTest silent{"echo size 4194304 >&2", is_4m};
  LandingDisk disk = disk_at(path, Use::write, first);
  const auto reads_zero = [&] {
    const auto channel = open_landing(host, disk, soon());
    REQUIRE(code_of(channel) == "ok");
    const bool says = (*channel)->info().reads_zero;
    CHECK(code_of((*channel)->close(soon())) == "ok");
    return says;
  };
  disk.empty_test = &by_size;
  CHECK_FALSE(reads_zero());  // nobody has asked for it
  disk.reads_zero = true;
  CHECK(reads_zero());
  disk.empty_test = &silent;
  CHECK_FALSE(reads_zero());
}

}  // namespace
}  // namespace flyt::tests
