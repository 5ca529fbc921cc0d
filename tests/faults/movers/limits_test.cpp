#include <algorithm>
#include <chrono>

#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t burst = 256 * mib;

// Lets `burst` bytes pass at once and nearly nothing after them: what is left tells what was taken.
std::shared_ptr<RateLimit> meter() { return std::make_shared<RateLimit>(1, burst); }

bool took(RateLimit& meter, std::uint64_t bytes) {
  const auto now = std::chrono::steady_clock::now();
  const bool no_more = meter.take(burst - bytes - mib / 2, now).count() == 0;
  return no_more && meter.take(mib, now).count() > 0;
}

struct Metered : CopyTuning {
  Metered() {
    source_rate = meter();
    target_rate = meter();
  }
  bool took_each(std::uint64_t source, std::uint64_t target) const {
    return took(*source_rate, source) && took(*target_rate, target);
  }
};

}  // namespace

TEST_CASE("Each endpoint's limit is charged with what that endpoint moves", "[tsan]") {
  Pair pair(24 * mib);
  put(pair.source, 0, noise(24 * mib, 1));
  const Metered copy, again, back, digest;
  REQUIRE(pair.copy({.tuning = copy}));
  CHECK(copy.took_each(24 * mib, 24 * mib));
  SECTION("reading what is on the target to trust it") {
    const auto report = pair.copy({.tuning = again});
    REQUIRE(report);
    CHECK(report->checked_bytes == 24 * mib);
    CHECK(again.took_each(0, 24 * mib));
  }
  SECTION("reading the target back") {
    FileDisk disk(pair.target);
    REQUIRE(make_mover()->read_back({&disk.channel, pair.manifest, pair.size, back}, {}));
    CHECK(back.took_each(0, 24 * mib));
  }
  SECTION("the digest of a source") {
    FileDisk disk(pair.source);
    REQUIRE(make_mover()->digest({&disk.channel, digest}, {}));
    CHECK(digest.took_each(24 * mib, 0));
  }
}

TEST_CASE("A limit that is used up holds the copy back") {
  Pair pair(64 * mib);
  put(pair.source, 0, noise(64 * mib, 1));
  FileDisk from(pair.source), to(pair.target);
  CopyRequest request{.source = &from.channel, .target = &to.channel, .manifest = pair.manifest};
  auto& limit = GENERATE(true, false) ? request.tuning.source_rate : request.tuning.target_rate;
  limit = std::make_shared<RateLimit>(1, 8 * mib);
  const auto report = make_mover()->copy(request, Call{}.within(std::chrono::milliseconds(1500)));
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::timed_out);
  CHECK(content(pair.target).substr(40 * mib).find_first_not_of('\0') == std::string::npos);
}

TEST_CASE("However many loops are asked for, a call has its memory and no more") {
  Pair pair(512 * mib);
  ScriptedDisk disk(pair.source, {"open=echo >> \"$disk.opens\"", "can_multi_conn=exit 0",
                                  "can_extents=exit 0", "extents=echo $4 $3 hole,zero"});
  REQUIRE(make_mover()->digest({&disk.channel, {.loops = 64}}, {}));
  const std::string opens = content(pair.source.string() + ".opens");
  CHECK(opens.size() > 2);
  CHECK(opens.size() <= 16 + 1);  // one is the test's own, to see that it serves
}
