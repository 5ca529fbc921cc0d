#include "drivers/shared/process_mark.hpp"

#include <unistd.h>

#include "base/process.hpp"
#include "tests/catch.hpp"

namespace flyt {

TEST_CASE("a process is known by more than its number") {
  const auto mark = mark_process(::getpid());
  REQUIRE(mark);
  CHECK(is_running(*mark));
  ProcessMark earlier = *mark;
  ++earlier.start;
  CHECK_FALSE(is_running(earlier));
  ProcessMark other_boot = *mark;
  other_boot.boot = "another";
  CHECK_FALSE(is_running(other_boot));
  // A stranger with a number of ours is not ended: this test would not go on.
  CHECK(end_process(earlier, {}));
}

TEST_CASE("a process that was marked is ended, also one that does not listen to SIGTERM") {
  for (const std::string script : {"read x", "trap '' TERM; echo ready; read x; read x"}) {
    auto process = Process::start({{"/bin/sh", "-c", script}});
    REQUIRE(process);
    if (script != "read x") REQUIRE(process->read_line({}));
    const auto mark = mark_process(process->pid());
    REQUIRE(mark);
    CHECK(is_running(*mark));
    CHECK(end_process(*mark, {}));
    CHECK_FALSE(is_running(*mark));
    CHECK(end_process(*mark, {}));
  }
}

TEST_CASE("a process that is not there cannot be marked") {
  const auto mark = mark_process(1 << 30);
  REQUIRE_FALSE(mark);
  CHECK(mark.error().code == Errc::not_found);
}

}  // namespace flyt
