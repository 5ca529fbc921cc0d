// What a host says of a disk that is empty, and what it keeps out once a machine has left it.
#include <unistd.h>

#include <filesystem>

#include "base/identity.hpp"
#include "drivers/shared/landing.hpp"
#include "tests/catch.hpp"
#include "tests/faults/landing_fixture.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

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

// Of a migration of its own, whose least epoch stays on this machine.
TEST_CASE("landing: a host that the machine has left is fenced for good", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  if (::getuid() != 0) FLYT_SKIP("needs root: the folder is /run/flyt");
  const LandingHost host = GENERATE(from_range(landing_hosts()));
  const TempDir dir;
  const Owner old{migration_id("site", "platform", random_uuid()), 3}, now{old.id, 4};
  const std::string raw = make_disk(dir, "raw"), qcow2 = make_disk(dir, "qcow2");
  const std::string others = dir / "others.raw";
  fs::copy_file(raw, others);
  const auto fence = [&](const Owner& owner) {
    return code_of(landing_fence(host, "web01", owner, soon()));
  };
  CHECK(fence(old) == "ok");  // there was nothing

  auto writer = open(host, raw, Use::write, old);
  auto reader = open(host, qcow2, Use::read, old);
  auto stranger = open(host, others, Use::write, other);
  REQUIRE(code_of(writer) == "ok");
  REQUIRE(code_of(reader) == "ok");
  REQUIRE(code_of(stranger) == "ok");
  CHECK(fence({old.id, 2}) == "denied");
  CHECK(fence(old) == "unavailable");  // its own process is there
  CHECK(io(**writer, "write -P 1 0 64k") == "ok");

  CHECK(fence(now) == "ok");
  CHECK(io(**writer, "write -P 2 0 64k") != "ok");
  CHECK(code_of((*writer)->close(soon())) == "denied");
  CHECK(processes("qemu-nbd", raw).empty());
  CHECK(processes("qemu-nbd", qcow2).empty());
  CHECK(kept_of(raw).empty());
  CHECK(kept_of(qcow2).empty());
  CHECK(io(**stranger, "write -P 3 0 64k") == "ok");
  CHECK(code_of((*stranger)->close(soon())) == "ok");

  CHECK(code_of(open(host, raw, Use::write, old)) == "denied");
  CHECK(code_of(open(host, raw, Use::read, old)) == "denied");
  CHECK(kept_of(raw).empty());
  CHECK(fence(old) == "denied");
  auto mine = open(host, raw, Use::write, now);
  CHECK(code_of(mine) == "ok");
  CHECK(io(**mine, "read -P 1 0 64k") == "ok");
  CHECK(code_of((*mine)->close(soon())) == "ok");
  fs::remove("/run/flyt/e-" + old.id);
}

}  // namespace
}  // namespace flyt::tests
