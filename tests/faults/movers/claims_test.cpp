// What a source tells of its own bytes and is not so: empty parts that hold data, changes that were
// not tracked.
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

// A source of 60 MiB that is served as if only its first ten held data.
struct Lying : Pair {
  Lying() : Pair(60 * mib) {
    const std::string map = "0 10M 0\n10M 50M hole,zero\n";
    make_file(folder / "map", map.size());
    put(folder / "map", 0, map);
  }
  std::vector<std::string> filter() {
    return {"--filter=extentlist", "extentlist=" + (folder / "map").string()};
  }
  Result<CopyReport> copy_lying(CopyRequest request = {}) {
    FileDisk from(source, {filter()[0]}, {filter()[1]}), to(target);
    request.source = &from.channel;
    request.target = &to.channel;
    request.manifest = manifest;
    return make_mover()->copy(request, {});
  }
};

void check_equal(Pair& pair, const Result<CopyReport>& report) {
  REQUIRE(report);
  CHECK(pair.equal());
  CHECK(report->root == root_of(content(pair.source)));
}

}  // namespace

TEST_CASE("A source that calls data empty is read as a whole", "[claims]") {
  Lying pair;
  put(pair.source, 0, noise(10 * mib, 1));
  SECTION("where it tells the truth, its map is used") {
    const auto report = pair.copy_lying();
    check_equal(pair, report);
    CHECK_FALSE(report->wrong_map);
    CHECK(report->read_bytes == 10 * mib);
  }
  SECTION("in the midst of it") { put(pair.source, 20 * mib, noise(30 * mib, 2)); }
  SECTION("only at its end") { put(pair.source, 60 * mib - 512, noise(512, 2)); }
  SECTION("only where it begins") { put(pair.source, 10 * mib, noise(512, 2)); }
  const auto report = pair.copy_lying({.view = 2});
  check_equal(pair, report);
}

TEST_CASE("What was believed to be empty is read once the map is found to be wrong", "[claims]") {
  Lying pair;
  REQUIRE(pair.copy_lying());
  // As if the places that were looked at had missed it.
  put(pair.source, 20 * mib, noise(40 * mib, 2));
  const auto again =
      GENERATE(CopyRequest{.view = 1}, CopyRequest{.view = 2, .mode = CopyMode::digest},
               CopyRequest{.view = 2, .mode = CopyMode::tracked, .base = 1});
  const auto report = pair.copy_lying(again);
  check_equal(pair, report);
  CHECK(report->wrong_map);
}

TEST_CASE("Who distrusts a source reads what it calls empty", "[claims]") {
  Lying pair;
  put(pair.source, 33 * mib + 77, "x");
  const auto report = pair.copy_lying({.distrust = true});
  check_equal(pair, report);
  CHECK(report->read_bytes == 60 * mib);
}

TEST_CASE("A tracked delta that left much out compares all, and says so", "[claims]") {
  Pair pair(60 * mib);
  put(pair.source, 0, noise(60 * mib, 1));
  REQUIRE(pair.copy());
  put(pair.source, 0, noise(60 * mib, 2));
  FileDisk from(pair.source), to(pair.target);
  from.channel.changes_ = {{10 * mib, 65536, false}};
  CopyRequest request{.source = &from.channel, .target = &to.channel, .manifest = pair.manifest};
  request.view = 2;
  request.mode = CopyMode::tracked;
  request.base = 1;
  const auto report = make_mover()->copy(request, {});
  check_equal(pair, report);
  CHECK(report->left_out == 59U);
}
