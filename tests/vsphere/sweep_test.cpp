// Every fault of the lab's control interface at every step of whole migrations; then the same again
// until it has landed, or all of it undone.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/vsphere/sweep/stage.hpp"
#include "tests/vsphere/sweep/troubles.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

struct Turn {
  const Scenario* scenario = nullptr;
  Trouble trouble;
  Ending ending = Ending::resume;

  std::string name() const {
    return fmt::format("{}: {}, then {}", scenario->name, trouble.name,
                       ending == Ending::resume ? "resume" : "undo");
  }
};

// One turn of each group, and always the same, unless FLYT_TEST_SWEEP says more: a number, which is
// another sample; "all"; or text, which is all turns whose name holds it.
class Choice {
 public:
  Choice() {
    if (const char* said = std::getenv("FLYT_TEST_SWEEP")) said_ = said;
    const bool number = said_.find_first_not_of("0123456789") == std::string::npos;
    if (!said_.empty() && number) group_ = std::stoull(std::exchange(said_, {})) << 20;
  }

  void add(const Scenario& scenario, const std::vector<Group>& groups, std::deque<Turn>& turns) {
    for (const Group& group : groups) {
      ++group_;
      for (std::size_t i = 0; i < group.size(); ++i) {
        for (const Ending ending : {Ending::resume, Ending::undo}) {
          Turn turn{&scenario, group[i], ending};
          if (wants(turn, i, group.size())) turns.push_back(std::move(turn));
        }
      }
    }
  }

 private:
  bool wants(const Turn& turn, std::size_t index, std::size_t size) const {
    if (said_ == "all") return true;
    if (!said_.empty()) return turn.name().find(said_) != std::string::npos;
    // Spread without any pattern that the groups could have, too.
    const std::uint64_t mixed = group_ * 0x9e3779b97f4a7c15ULL >> 33;
    // A method that fails does much the same in all scenarios: two of three are enough.
    const bool method = turn.trouble.name.find("Method ") != std::string::npos;
    if (turn.trouble.slow || (method && mixed / size % 3 == 0)) return false;
    return index == mixed % size && (turn.ending == Ending::undo) == (mixed % 3 == 0);
  }

  std::string said_;
  std::uint64_t group_ = 0;
};

struct Score {
  std::vector<std::string> failures;  // with the turn's name in front
  std::vector<std::string> idle;      // turns whose trouble was not met with
};

class Players {
 public:
  explicit Players(std::deque<Turn> turns) : turns_(std::move(turns)) {}

  Score play() {
    // A migration of so small disks waits most of its time.
    constexpr unsigned at_once = 8;
    {
      std::vector<std::jthread> players;
      for (unsigned i = 0; i < at_once; ++i) players.emplace_back([this] { work(); });
    }
    return std::move(score_);
  }

 private:
  void work() {
    try {
      const auto stage = Stage::open();
      if (!stage) return fail("the lab", stage.error().what);
      while (const auto turn = next())
        note(*turn, (*stage)->play(*turn->scenario, turn->trouble, turn->ending));
    } catch (const std::exception& error) {
      fail("the lab", error.what());
    }
  }

  std::optional<Turn> next() {
    const std::lock_guard lock(mutex_);
    if (turns_.empty()) return {};
    Turn turn = std::move(turns_.front());
    turns_.pop_front();
    return turn;
  }

  void note(const Turn& turn, const Stage::Played& played) {
    for (const std::string& wrong : played.wrong) fail(turn.name(), wrong);
    const std::lock_guard lock(mutex_);
    if (!played.happened) score_.idle.push_back(turn.name());
  }

  void fail(const std::string& turn, const std::string& why) {
    const std::lock_guard lock(mutex_);
    score_.failures.push_back(turn + ": " + why);
  }

  std::mutex mutex_;
  std::deque<Turn> turns_;
  Score score_;
};

}  // namespace

TEST_CASE("a migration survives every fault of the lab at every step", "[vsphere][sweep]") {
  std::deque<Turn> turns;
  {
    auto rehearsal = Stage::open();
    if (!rehearsal && rehearsal.error().code == Errc::unsupported) {
      FLYT_SKIP(rehearsal.error().seen);
    }
    REQUIRE(told(rehearsal) == "ok");
    Choice choice;
    for (const Scenario& scenario : scenarios()) {
      choice.add(scenario, troubles_of(scenario, (*rehearsal)->rehearse(scenario)), turns);
    }
  }
  const std::size_t count = turns.size();
  REQUIRE(count != 0);
  const Score score = Players(std::move(turns)).play();
  for (const std::string& failure : score.failures) FAIL_CHECK(failure);
  // How often a server is asked while something waits differs from run to run.
  INFO("not met with: " << fmt::format("{}", fmt::join(score.idle, "; ")));
  CHECK(score.idle.size() <= count / 10);
}

}  // namespace flyt::tests
