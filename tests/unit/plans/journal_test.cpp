#include "plans/journal.hpp"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

constexpr const char* site = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11";
const std::string web = "flyt-aaaaaaaaaaaaaaaaaaaa";

std::unique_ptr<Journal> opened(const std::filesystem::path& state) {
  auto journal = open_journal(state, site);
  if (!journal) FAIL(journal.error().what << ": " << journal.error().seen);
  return *std::move(journal);
}

void sql(const std::filesystem::path& file, const char* text) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, text, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("a journal keeps steps, plans and machines over a restart", "[plans][journal]") {
  const tests::TempDir folder;
  {
    auto journal = opened(folder / "state");
    auto lease = journal->take(web, "web01", "d1");
    REQUIRE(lease);
    CHECK((*lease)->epoch() == 1);
    REQUIRE(journal->intend({.machine = web, .step = "create", .epoch = 1, .detail = "a"}));
    REQUIRE(journal->finish(
        {.machine = web, .step = "create", .state = StepState::done, .epoch = 1, .detail = "b"}));
    REQUIRE(journal->intend({.machine = web, .step = "copy:0", .epoch = 1}));
    REQUIRE(journal->keep_plan("d1", "the plan"));
    CHECK_FALSE(journal->machines()->front().holder.empty());
  }
  auto journal = opened(folder / "state");
  const auto steps = journal->steps(web);
  REQUIRE(steps);
  REQUIRE(steps->size() == 2);
  CHECK(steps->at(0).step == "create");
  CHECK(steps->at(0).state == StepState::done);
  CHECK(steps->at(0).detail == "b");
  CHECK(steps->at(1).state == StepState::intended);
  CHECK(journal->plan("d1")->value() == "the plan");
  CHECK_FALSE(journal->plan("d2")->has_value());
  CHECK(journal->machines()->front().name == "web01");
  CHECK(journal->machines()->front().holder.empty());
}

TEST_CASE("a machine is held by one, and a lower epoch may not write", "[plans][journal]") {
  const tests::TempDir folder;
  auto journal = opened(folder / "state"), other = opened(folder / "state");
  auto lease = journal->take(web, "web01", "d1");
  REQUIRE(lease);
  const auto refused = other->take(web, "web01", "d1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::exists);
  CHECK(refused.error().seen.find("pid ") == 0);
  lease->reset();
  auto second = other->take(web, "web01", "d2");
  REQUIRE(second);
  CHECK((*second)->epoch() == 2);
  const auto stale = journal->intend({.machine = web, .step = "create", .epoch = 1});
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code == Errc::cancelled);
  CHECK(journal->steps(web)->empty());
}

TEST_CASE("a process that dies leaves its intents and not its lease", "[plans][journal]") {
  const tests::TempDir folder;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto journal = open_journal(folder / "state", site);
    if (!journal) _exit(1);
    auto lease = (*journal)->take(web, "web01", "d1");
    if (!lease || !(*journal)->intend({.machine = web, .step = "create", .epoch = 1})) _exit(2);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  auto journal = opened(folder / "state");
  REQUIRE(journal->steps(web)->size() == 1);
  const auto lease = journal->take(web, "web01", "d1");
  REQUIRE(lease);
  CHECK((*lease)->epoch() == 2);
}

TEST_CASE("a lease that is given back is free while a child is being started", "[plans][journal]") {
  const tests::TempDir folder;
  auto journal = opened(folder / "state");
  auto lease = journal->take(web, "web01", "d1");
  REQUIRE(lease);
  const pid_t child = fork();  // has the lock's descriptor until it becomes another program
  REQUIRE(child >= 0);
  if (child == 0) {
    for (;;) pause();
  }
  lease->reset();
  const auto again = journal->take(web, "web01", "d1");
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(again);
}

TEST_CASE("a step taken back was never done", "[plans][journal]") {
  const tests::TempDir folder;
  auto journal = opened(folder / "state");
  const auto lease = journal->take(web, "web01", "d1");
  REQUIRE(
      journal->finish({.machine = web, .step = "convert", .state = StepState::failed, .epoch = 1}));
  REQUIRE(journal->reset(web, "convert", "undone"));
  CHECK(journal->steps(web)->empty());
}

TEST_CASE("journals of a newer flyt, another site or another program are refused",
          "[plans][journal]") {
  const tests::TempDir folder;
  const auto state = folder / "state";
  opened(state).reset();
  const auto other = open_journal(state, "another");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::invalid);
  sql(state / "journal.db", "PRAGMA user_version = 99");
  const auto newer = open_journal(state, site);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == Errc::invalid);
  CHECK(newer.error().seen.find("99") != std::string::npos);
  std::filesystem::remove_all(state);
  std::filesystem::create_directory(state);
  std::filesystem::permissions(state, std::filesystem::perms::owner_all);
  sql(state / "journal.db", "CREATE TABLE mine (x)");
  const auto strange = open_journal(state, site);
  REQUIRE_FALSE(strange);
  CHECK(strange.error().code == Errc::invalid);
}

}  // namespace flyt
