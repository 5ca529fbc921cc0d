#include "base/call.hpp"

#include <thread>

#include "base/rate_limit.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

using std::chrono::hours;
using std::chrono::steady_clock;

TEST_CASE("a call without limits goes on for ever", "[call]") {
  CHECK(proceed({}, "copy"));
  CHECK(Call{}.left() > hours(24 * 365));
}

TEST_CASE("a stop is told before a missed deadline", "[call]") {
  std::stop_source source;
  const Call late{source.get_token(), steady_clock::now() - hours(1)};
  CHECK(proceed(late, "copy").error().code == Errc::timed_out);
  CHECK(late.left() == std::chrono::nanoseconds::zero());
  source.request_stop();
  CHECK(proceed(late, "copy").error().code == Errc::cancelled);
  CHECK(wait(hours(1), late, "copy").error().code == Errc::cancelled);
}

TEST_CASE("the earlier deadline counts", "[call]") {
  const Call soon = Call{}.within(hours(1));
  CHECK(soon.left() <= hours(1));
  CHECK(soon.within(hours(2)).deadline == soon.deadline);
  CHECK(soon.within(std::chrono::nanoseconds::max()).deadline == soon.deadline);
  CHECK(soon.within(std::chrono::minutes(1)).deadline < soon.deadline);
}

TEST_CASE("waiting ends at once when a stop is requested meanwhile", "[call]") {
  std::stop_source source;
  std::thread stopper([&] { source.request_stop(); });
  CHECK(wait(hours(24 * 365), {source.get_token()}, "idle").error().code == Errc::cancelled);
  stopper.join();
  CHECK(wait(std::chrono::nanoseconds(1), {}, "idle"));
}

TEST_CASE("a rate limit lets a burst through and then makes its takers wait", "[rate_limit]") {
  using std::chrono::seconds;
  const steady_clock::time_point start(hours(1));
  RateLimit limit(100, 50);
  CHECK(limit.take(50, start) == seconds(0));
  CHECK(limit.take(100, start) == seconds(1));
  CHECK(limit.take(100, start) == seconds(2));
  CHECK(limit.take(0, start + seconds(2)) == seconds(0));
  CHECK(limit.take(50, start + hours(1)) == seconds(0));
  CHECK(limit.take(100, start + hours(1)) == seconds(1));
  CHECK(limit.take(0, start) == seconds(1));  // a clock that went back pays nothing in
  CHECK(RateLimit(0).take(1U << 30, start) == seconds(0));
}

}  // namespace
}  // namespace flyt
