#include "drivers/libvirt/attended.hpp"

#include <future>
#include <memory>
#include <stop_token>

#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

TEST_CASE("libvirt: work that ends is gone with all that it owns", "[unit][tsan]") {
  const auto owned = std::make_shared<int>(7);
  const auto answer = attended("counting", {}, [owned]() -> Result<int> { return *owned; });
  REQUIRE(answer);
  CHECK(*answer == 7);
  CHECK(owned.use_count() == 1);
  const auto failed = attended("counting", {}, []() -> Result<int> {
    return Error{Errc::denied, "no"};
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what == "no");
}

TEST_CASE("libvirt: work that heeds a stop has the last word", "[unit][tsan]") {
  std::stop_source source;
  const Call call{source.get_token()};
  std::promise<void> begun;
  std::thread stopper([&] {
    begun.get_future().wait();
    source.request_stop();
  });
  const auto answer = attended("waiting", call, [&begun, call]() -> Result<int> {
    begun.set_value();
    (void)wait(std::chrono::minutes(1), call, "the stop");
    return 7;  // as one that had done it all the same
  });
  stopper.join();
  REQUIRE(answer);
  CHECK(*answer == 7);
}

TEST_CASE("libvirt: work that does not end is left, and keeps what it owns", "[unit][tsan]") {
  struct Room {
    std::promise<void> door;
    std::shared_future<void> open = door.get_future().share();
  };
  const auto room = std::make_shared<Room>();
  std::promise<void> gone;
  auto left = gone.get_future();
  std::stop_source source;
  source.request_stop();
  Errc expected = Errc::timed_out;
  Call call = Call{}.within(std::chrono::milliseconds(1));
  SECTION("at the deadline") {}
  SECTION("at a stop") {
    expected = Errc::cancelled;
    call = {source.get_token()};
  }
  const auto answer = attended(
      "waiting", call,
      [room, told = std::make_shared<std::promise<void>>(std::move(gone))]() -> Result<int> {
        room->open.wait();
        told->set_value();
        return 7;
      });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == expected);
  CHECK_FALSE(answer.error().state.empty());
  CHECK(room.use_count() == 2);
  room->door.set_value();
  left.wait();
}

}  // namespace
}  // namespace flyt::virt
