#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

// A pair that is synced as view 1; then the source changes in three blocks.
struct Changed : Pair {
  Changed() : Pair(60 * mib + 5000) {
    put(source, 0, noise(30 * mib, 1));
    put(source, 60 * mib, noise(5000, 2));
    const auto first = copy();
    REQUIRE(first);
    put(source, 2 * mib + 77, noise(10, 3));
    put(source, 29 * mib, std::string(mib, '\0'));  // data becomes zero
    put(source, 45 * mib + 1, noise(3, 4));         // a hole becomes data
  }
  const std::vector<Extent> changes{
      {2 * mib, 65536, false}, {29 * mib, mib, true}, {45 * mib, 4096, false}};
};

struct Notes : ProgressSink {
  void note(std::string_view words) override { text.append(words).append("\n"); }
  std::string text;
};

// The target's bytes at `at` as they are now.
std::string bytes(const Pair& pair, std::uint64_t at, std::uint64_t count) {
  return content(pair.target).substr(at, count);
}

Result<CopyReport> tracked(Pair& pair, const std::vector<Extent>& changes, ViewNumber view,
                           ViewNumber base, ProgressSink* progress = nullptr,
                           bool distrust = false) {
  FileDisk from(pair.source), to(pair.target);
  from.channel.changes_ = changes;
  CopyRequest request;
  request.source = &from.channel;
  request.target = &to.channel;
  request.manifest = pair.manifest;
  request.view = view;
  request.mode = CopyMode::tracked;
  request.distrust = distrust;
  request.base = base;
  request.progress = progress;
  return make_mover()->copy(request, {});
}

void check_equal(Pair& pair, const Result<CopyReport>& report) {
  REQUIRE(report);
  CHECK(pair.equal());
  CHECK(report->root == root_of(content(pair.source)));
  CHECK_FALSE(report->distrusted);
  const auto back = pair.read_back();
  REQUIRE(back);
  CHECK(back->read_root == report->root);
}

}  // namespace

TEST_CASE("A delta by digest reads all and sends what differs", "[tsan]") {
  Changed pair;
  const auto report = pair.copy({.view = 2, .mode = CopyMode::digest});
  check_equal(pair, report);
  CHECK(report->written_bytes == 2 * mib);
  CHECK(report->zeroed_bytes == mib);
  CHECK(report->read_bytes >= 30 * mib);
  const auto again = pair.copy({.view = 3, .mode = CopyMode::digest});
  check_equal(pair, again);
  CHECK(again->written_bytes == 0);
  CHECK(again->zeroed_bytes == 0);
}

TEST_CASE("What was only compared keeps the epoch in which it was written") {
  Pair pair(192 * mib);  // six epochs, of which the last two are looked at again
  put(pair.source, 0, noise(192 * mib, 1));
  REQUIRE(pair.copy());
  for (const ViewNumber view : {2U, 3U}) {
    const auto delta = pair.copy({.view = view, .mode = CopyMode::digest});
    check_equal(pair, delta);
    CHECK(delta->written_bytes == 0);
    CHECK(delta->checked_bytes > 0);
    CHECK(delta->checked_bytes < 120 * mib);
  }
}

TEST_CASE("A target that was changed where older epochs wrote is found out") {
  Pair pair(192 * mib);  // six epochs, of which the last two are all looked at
  const bool zeroes = GENERATE(true, false);
  put(pair.source, zeroes ? 100 * mib : 0, noise((zeroes ? 92 : 192) * mib, 1));
  REQUIRE(pair.copy());
  REQUIRE(pair.copy({.view = 2, .mode = CopyMode::digest}));
  if (zeroes) {
    put(pair.target, 50 * mib + 99, "x");  // the target's map tells
  } else {
    // One block of these hundred is looked at.
    for (std::uint64_t block = 0; block < 101; ++block) put(pair.target, block * mib + 99, "x");
  }
  const auto report = pair.copy({.view = 3, .mode = CopyMode::digest});
  REQUIRE(report);
  CHECK(report->distrusted);
  CHECK(pair.equal());
}

TEST_CASE("A manifest that lost records among whole ones is compared with all of the target") {
  Pair pair(192 * mib);
  put(pair.source, 0, noise(192 * mib, 1));
  REQUIRE(pair.copy());
  // A block of an old epoch is overwritten; the void that would say so is the record that is lost.
  put(pair.target, 20 * mib, "x");
  const std::string records = content(pair.manifest);
  put(pair.manifest, records.size(), std::string(64, 'x') + records.substr(64, 64));
  const auto report = pair.copy({.view = 2, .mode = CopyMode::digest});
  REQUIRE(report);
  CHECK(report->distrusted);
  CHECK(report->checked_bytes == 192 * mib);
  CHECK(pair.equal());
  CHECK_FALSE(pair.copy({.view = 3, .mode = CopyMode::digest})->distrusted);
}

TEST_CASE("A tracked delta reads and sends what has changed", "[tsan]") {
  Changed pair;
  const auto report = tracked(pair, pair.changes, 2, 1);
  check_equal(pair, report);
  CHECK(report->written_bytes == 2 * mib);
  CHECK(report->read_bytes <= 4 * mib);
  check_equal(pair, tracked(pair, {}, 3, 2));
}

TEST_CASE("A tracked delta since another view than the target's reads all, and says so") {
  Changed pair;
  const ViewNumber base = GENERATE(0, 2, 3);
  Notes notes;
  // The extents are those since a later view, and do not name all that has changed.
  const auto report = tracked(pair, {{2 * mib, 65536, false}}, 4, base, &notes);
  check_equal(pair, report);
  CHECK(report->written_bytes == 2 * mib);
  CHECK(notes.text.find("reading all") != std::string::npos);
}

TEST_CASE("Changed extents that step back are the driver's fault, and nothing is written") {
  Changed pair;
  const std::string before = content(pair.target);
  const std::vector<Extent> changes =
      GENERATE(std::vector<Extent>{{29 * mib, mib, true}, {2 * mib, 65536, false}},
               std::vector<Extent>{{2 * mib, 65536, false}, {2 * mib + 4096, 65536, false}},
               std::vector<Extent>{{2 * mib, UINT64_MAX, false}});
  const auto report = tracked(pair, changes, 2, 1);
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::internal);
  CHECK(report.error().why.find("driver") != std::string::npos);
  CHECK(content(pair.target) == before);
}

TEST_CASE("Who distrusts tracking finds what it left out, and copies it") {
  Changed pair;
  const auto distrusting = [&](const std::vector<Extent>& changes, ViewNumber view) {
    return tracked(pair, changes, view, view - 1, nullptr, true);
  };
  SECTION("nothing was left out") {
    const auto report = distrusting({{0, 60 * mib + 5000, false}}, 2);
    check_equal(pair, report);
    CHECK(report->left_out == 0U);
  }
  SECTION("all was") {
    const auto report = distrusting({}, 2);
    check_equal(pair, report);
    CHECK(report->left_out == 3U);
    CHECK(report->written_bytes == 2 * mib);
    // And once more: nothing has changed.
    const auto again = distrusting({}, 3);
    check_equal(pair, again);
    CHECK(again->left_out == 0U);
  }
  SECTION("the platform does not tell") {
    const auto report =
        pair.copy({.view = 2, .mode = CopyMode::tracked, .base = 1, .distrust = true});
    check_equal(pair, report);
    CHECK_FALSE(report->left_out);
  }
}

TEST_CASE("Without change tracking a tracked delta compares digests") {
  Changed pair;
  const auto report = pair.copy({.view = 2, .mode = CopyMode::tracked, .base = 1});
  check_equal(pair, report);
  CHECK(report->written_bytes == 2 * mib);
}

TEST_CASE(
    "A tracked delta over an incomplete sync sends all that is not of the last complete one") {
  Pair pair(20 * mib);
  put(pair.source, 0, noise(20 * mib, 1));
  {
    // Breaks off in the middle.
    const auto broken = pair.copy({}, {"--filter=error", "error-pread-rate=50%"});
    REQUIRE_FALSE(broken);
  }
  check_equal(pair, tracked(pair, {}, 2, 0));
}

TEST_CASE("A full copy of another view sends all again") {
  Changed pair;
  const auto report = pair.copy({.view = 2});
  check_equal(pair, report);
  CHECK(report->written_bytes == 30 * mib + 5000);
}

TEST_CASE("A target that somebody wrote to is found out and put right", "[tsan]") {
  Changed pair;
  // Over 1 % is read, and the last epochs: this small disk is all in them.
  put(pair.target, 12 * mib + 5, "x");
  const auto report = pair.copy({.view = 2, .mode = CopyMode::digest});
  REQUIRE(report);
  CHECK(report->distrusted);
  CHECK(pair.equal());
  CHECK(report->written_bytes == 3 * mib);
  CHECK(bytes(pair, 12 * mib, mib) == content(pair.source).substr(12 * mib, mib));
}

TEST_CASE("A read-back finds a changed byte, in data, in a hole and behind the end") {
  Pair pair(10 * mib, 12 * mib);
  put(pair.source, 0, noise(5 * mib, 1));
  REQUIRE(pair.copy());
  SECTION("data") {
    put(pair.target, 3 * mib, "xy");
    const auto back = pair.read_back();
    REQUIRE(back);
    CHECK(back->different == std::vector<std::uint64_t>{3});
    CHECK(back->read_root != back->expected_root);
  }
  SECTION("hole") {
    put(pair.target, 8 * mib - 1, "x");
    const auto back = pair.read_back();
    REQUIRE(back);
    CHECK(back->different == std::vector<std::uint64_t>{7});
    CHECK(back->different_blocks == 1);
  }
  SECTION("tail") {
    put(pair.target, 12 * mib - 1, "x");
    const auto back = pair.read_back();
    REQUIRE(back);
    CHECK(back->different_blocks == 0);
    CHECK_FALSE(back->tail_zero);
  }
}

TEST_CASE("Zeroes are skipped on a fresh target only where it guarantees them") {
  Pair pair(20 * mib);
  put(pair.source, 0, noise(2 * mib, 1));
  FileDisk from(pair.source), to(pair.target);
  CopyRequest request;
  request.source = &from.channel;
  request.target = &to.channel;
  request.manifest = pair.manifest;
  const bool fresh = GENERATE(true, false), guaranteed = GENERATE(true, false);
  request.fresh_target = fresh;
  to.channel.info_.reads_zero = guaranteed;
  const auto report = make_mover()->copy(request, {});
  check_equal(pair, report);
  CHECK((report->zeroed_bytes == 0) == (fresh && guaranteed));
}

TEST_CASE("The digest of a channel is that of its bytes", "[tsan]") {
  Pair pair(9 * mib + 1);
  put(pair.source, 3 * mib, noise(2 * mib, 1));
  FileDisk disk(pair.source);
  const auto digest = make_mover()->digest({&disk.channel}, {});
  REQUIRE(digest);
  CHECK(*digest == root_of(content(pair.source)));
}
