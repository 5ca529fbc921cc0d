#include "movers/convert/overlay_map.hpp"

#include "base/process.hpp"
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

// An overlay of 4 KiB clusters over a base of random bytes.
struct Overlay {
  Overlay() {
    make_file(base, std::uint64_t{8} << 20);
    put(base, 0, noise(std::uint64_t{8} << 20, 1));
    REQUIRE(check({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k",
                            "-b", base.string(), "-F", "raw", path.string()}},
                  {}));
  }
  void run(const std::vector<std::string>& commands) {
    std::vector<std::string> argv = {"qemu-io", "-f", "qcow2"};
    for (const std::string& command : commands) argv.insert(argv.end(), {"-c", command});
    argv.push_back(path.string());
    REQUIRE(check({.argv = argv}, {}));
  }
  TempDir folder;
  std::filesystem::path base = folder / "base", path = folder / "it's \"an\" overlay";
};

}  // namespace

TEST_CASE("The map of an overlay is what it holds itself, zeroes included") {
  if (!has_program("qemu-io")) FLYT_SKIP("no qemu-io");
  Overlay overlay;
  CHECK(map_overlay(overlay.path, {})->empty());
  overlay.run({"write 0 4k", "write -z 8k 8k", "write 1M 100k"});
  const auto changed = map_overlay(overlay.path, {});
  REQUIRE(changed);
  CHECK(*changed ==
        std::vector<Extent>{{0, 4096, false}, {8192, 8192, true}, {1 << 20, 102400, false}});
  CHECK(sync_files(overlay.folder / "", {overlay.path}));
  CHECK(sync_files(overlay.folder / "", {overlay.folder / "none"}).error().code == Errc::not_found);
}

TEST_CASE("The map of an overlay is not taken while a server writes to it") {
  if (!has_program("qemu-nbd")) FLYT_SKIP("no qemu-nbd");
  Overlay overlay;
  {
    const auto server = ServedDisk::qemu({"-f", "qcow2", overlay.path.string()});
    const auto early = map_overlay(overlay.path, Call{}.within(std::chrono::milliseconds(700)));
    REQUIRE_FALSE(early);
    CHECK(early.error().code == Errc::timed_out);
  }
  CHECK(map_overlay(overlay.path, {}));
}

TEST_CASE("An overlay that is damaged or gone is not waited for") {
  Overlay overlay;
  put(overlay.path, 0, "rubbish");
  CHECK_FALSE(map_overlay(overlay.path, {}));
  std::filesystem::remove(overlay.path);
  CHECK_FALSE(map_overlay(overlay.path, {}));
}
