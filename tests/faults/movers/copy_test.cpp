#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

void check_copied(Pair& pair, const Result<CopyReport>& report) {
  INFO((report ? std::string() : report.error().what + ": " + report.error().seen));
  REQUIRE(report);
  CHECK(pair.equal());
  CHECK(report->root == root_of(content(pair.source)));
  CHECK(report->length == pair.size);
  const auto back = pair.read_back();
  REQUIRE(back);
  CHECK(back->read_root == report->root);
  CHECK(back->expected_root == report->root);
  CHECK(back->source_root == report->root);
  CHECK(back->different_blocks == 0);
  CHECK(back->equal_source == back->blocks);
  CHECK(back->tail_zero);
}

}  // namespace

TEST_CASE("Disks of every awkward size arrive whole, with their root", "[tsan]") {
  const std::uint64_t size =
      GENERATE(0, 1, 511, 4096, mib - 1, mib, mib + 1, 5 * mib + 333, 40 * mib + 512);
  CAPTURE(size);
  Pair pair(size);
  put(pair.source, 0, noise(size, size));
  check_copied(pair, pair.copy());
}

TEST_CASE("Holes, zero blocks and scattered data arrive, over a dirty target", "[tsan]") {
  Pair pair(64 * mib + 777);
  for (const std::uint64_t at : {0 * mib, 3 * mib + 4096, 9 * mib + 100, 10 * mib, 40 * mib}) {
    put(pair.source, at, noise(70000, at));
  }
  for (std::uint64_t i = 0; i < 100; ++i) put(pair.source, 50 * mib + i * 8192, noise(4096, i));
  put(pair.source, 20 * mib, std::string(3 * mib, '\0'));  // allocated, and zero
  put(pair.source, 64 * mib, noise(777, 1));
  put(pair.target, 0, noise(pair.size, 99));
  const auto report = pair.copy();
  check_copied(pair, report);
  CHECK(report->zeroed_bytes > 50 * mib);
  CHECK(report->written_bytes < 10 * mib);
}

TEST_CASE("What the manifest has of a view is not sent again", "[tsan]") {
  Pair pair(100 * mib);
  put(pair.source, 0, noise(80 * mib, 1));
  const auto first = pair.copy();
  REQUIRE(first);
  CHECK(first->written_bytes == 80 * mib);
  const auto again = pair.copy();
  check_copied(pair, again);
  CHECK(again->written_bytes == 0);
  CHECK(again->read_bytes == 0);
  CHECK(again->kept_bytes == 80 * mib);
  CHECK(again->checked_bytes >= mib);
  CHECK_FALSE(again->distrusted);
}

TEST_CASE("A larger target is zero behind the source's end") {
  Pair pair(3 * mib + 100, 5 * mib);
  put(pair.source, 0, noise(pair.size, 1));
  put(pair.target, 0, noise(5 * mib, 2));
  check_copied(pair, pair.copy());
}

TEST_CASE("A smaller target is refused before anything is written") {
  Pair pair(3 * mib, 3 * mib - 512);
  put(pair.source, 0, noise(pair.size, 1));
  const auto report = pair.copy();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::invalid);
  CHECK(content(pair.target) == std::string(3 * mib - 512, '\0'));
  CHECK_FALSE(std::filesystem::exists(pair.manifest));
}

TEST_CASE("Servers with their own ideas of requests are served as they like", "[tsan]") {
  Pair pair(10 * mib + 3 * 65536);
  put(pair.source, 100, noise(6 * mib, 1));
  put(pair.source, 8 * mib + 1, noise(1000, 2));
  put(pair.target, 0, noise(pair.size, 3));
  const std::vector<std::string> filters = GENERATE(
      std::vector<std::string>{"--filter=nozero"}, std::vector<std::string>{"--filter=noextents"},
      std::vector<std::string>{"--filter=multi-conn", "multi-conn-mode=disable"},
      std::vector<std::string>{"--filter=blocksize-policy", "blocksize-minimum=512",
                               "blocksize-maximum=65536", "blocksize-error-policy=error"},
      std::vector<std::string>{"--filter=blocksize-policy", "blocksize-minimum=65536",
                               "blocksize-preferred=65536", "blocksize-error-policy=error"});
  CAPTURE(filters);
  SECTION("source") { check_copied(pair, pair.copy({}, filters)); }
  SECTION("target") { check_copied(pair, pair.copy({}, {}, filters)); }
  SECTION("both") { check_copied(pair, pair.copy({}, filters, filters)); }
}
