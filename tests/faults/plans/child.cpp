#include "tests/faults/plans/child.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

#include "base/process.hpp"
#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"

namespace flyt::tests {

namespace {

int in_child(const Scene& scene, const char* test, int kill_at, Until until) {
  const auto done = run({{"/proc/self/exe", test},
                         {{"FLYT_TEST_SCENE", scene.folder.native()},
                          {"FLYT_TEST_KILL_AT", std::to_string(kill_at)},
                          {"FLYT_TEST_UNTIL", until == Until::warm ? "warm" : "landed"}}},
                        Call{}.within(std::chrono::minutes(5)));
  if (!done) FAIL(told(done.error()));
  if (done->status != 0) UNSCOPED_INFO(done->output);
  return done->status;
}

}  // namespace

int apply_in_child(const Scene& scene, int kill_at, Until until) {
  return in_child(scene, "[.executor-child]", kill_at, until);
}

int undo_in_child(const Scene& scene, int kill_at) {
  return in_child(scene, "[.undo-child]", kill_at, Until::landed);
}

bool killed(int status) { return status == 128 + SIGKILL; }

void kill_at_third_doors(const Scene& scene, int least, const std::function<void()>& check) {
  for (int door = 1;; door += 3 * next_door) {
    INFO("door " << door);
    REQUIRE(door < 200);
    const int first = apply_in_child(scene, door);
    if (!killed(first)) {
      CHECK(first == 0);
      CHECK(door > least);  // it did come by all of them
      return;
    }
    REQUIRE(apply_in_child(scene, 0) == 0);
    scene.check_landed();
    check();
    Worker worker(scene);
    worker.undo_all(scene);
  }
}

void kill_once_down(const Scene& scene) {
  int door = 0;
  do {
    REQUIRE(++door < 200);
    REQUIRE(killed(apply_in_child(scene, door)));
  } while (scene.all_run());
}

// Run as a program of its own by apply_in_child().
TEST_CASE("executor: a process that applies and may kill itself", "[.executor-child]") {
  const char* folder = std::getenv("FLYT_TEST_SCENE");
  const char* kill_at = std::getenv("FLYT_TEST_KILL_AT");
  const char* until = std::getenv("FLYT_TEST_UNTIL");
  if (folder == nullptr || kill_at == nullptr || until == nullptr) return;
  const int door = std::atoi(kill_at);
  const Scene scene{std::filesystem::path(folder)};
  std::atomic<int> doors{0};
  ApplyOptions options;
  const bool warm = std::string_view(until) == "warm";
  if (warm) options.until = Until::warm;
  options.at_step = [&](std::string_view) {
    if (++doors == door) ::kill(::getpid(), SIGKILL);
  };
  Worker worker(scene);
  CHECK(all(worker.apply(scene, options), warm ? MachineState::copied : MachineState::landed));
}

// Run as a program of its own by undo_in_child().
TEST_CASE("executor: a process that undoes and may kill itself", "[.undo-child]") {
  const char* folder = std::getenv("FLYT_TEST_SCENE");
  const char* kill_at = std::getenv("FLYT_TEST_KILL_AT");
  if (folder == nullptr || kill_at == nullptr) return;
  const int door = std::atoi(kill_at);
  int doors = 0;
  const auto die = [&](std::string_view) {
    if (++doors == door) ::kill(::getpid(), SIGKILL);
    return Fault{};
  };
  const Scene scene{std::filesystem::path(folder)};
  Worker worker(scene);
  worker.source = with_faults(std::move(worker.source), die);
  worker.target = with_faults(std::move(worker.target), die);
  worker.crew.source = worker.source.get();
  worker.crew.target = worker.target.get();
  worker.undo_all(scene);
}

}  // namespace flyt::tests
