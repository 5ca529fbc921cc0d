#include "drivers/shared/file_lock.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/call.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {

TEST_CASE("a lock has one holder, and who waits can be stopped") {
  const tests::TempDir folder;
  auto first = FileLock::take(folder / "lock", {});
  REQUIRE(first);
  const auto late = FileLock::take(folder / "lock", Call{}.within(std::chrono::milliseconds(5)));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timed_out);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = FileLock::take(folder / "lock", {stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
  { const FileLock released = std::move(*first); }
  CHECK(FileLock::take(folder / "lock", {}));
}

TEST_CASE("a lock keeps threads apart") {
  const tests::TempDir folder;
  std::atomic<int> inside = 0, most = 0, count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn) {
        const auto lock = FileLock::take(folder / "lock", {});
        if (!lock) return;
        most = std::max(most.load(), ++inside);
        ++count;
        --inside;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(count == 80);
  CHECK(most == 1);
}

}  // namespace flyt
