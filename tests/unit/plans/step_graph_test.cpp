#include "plans/step_graph.hpp"

#include <string>

#include "tests/catch.hpp"

namespace flyt {
namespace {

// Runs all that may run, one after the other; the keys in that order.
std::string order(StepGraph& graph) {
  std::string keys;
  while (const auto step = graph.find_work(8, 8)) {
    keys += (keys.empty() ? "" : " ") + step->key;
    graph.finished(*step, true);
  }
  return keys;
}

// Brings `machine`, the only one that may begin, to where its copies are ready.
void to_copies(StepGraph& graph) {
  for (const char* key : {"check", "create", "view"}) {
    const auto step = graph.find_work(8, 8);
    REQUIRE(step);
    REQUIRE(step->key == key);
    graph.finished(*step, true);
  }
}

}  // namespace

TEST_CASE("the steps of a machine come in their order", "[plans][graph]") {
  struct Row {
    std::size_t disks;
    bool cutover, track, convert;
    Until until;
    const char* keys;
    bool land = false;
    bool enrol = false;
  };
  const Row row = GENERATE(
      Row{1, false, false, false, Until::landed,
          "check create view copy:0 shape bytes boot ground clean"},
      Row{2, false, false, true, Until::landed,
          "check create view copy:0 copy:1 convert commit:0 commit:1 shape bytes boot ground "
          "clean"},
      Row{2, true, false, true, Until::copied, "check create view copy:0 copy:1"},
      Row{2, true, false, true, Until::warm, "check create view copy:0 copy:1 rest"},
      Row{1, false, false, true, Until::warm, "check create view copy:0"},
      Row{1, true, true, true, Until::landed,
          "check create track view copy:0 stop last delta:0 convert commit:0 shape bytes boot "
          "ground "
          "clean"},
      Row{2, true, false, true, Until::landed,
          "check create view copy:0 copy:1 stop last delta:0 delta:1 convert commit:0 commit:1 "
          "land "
          "shape bytes boot ground clean",
          true},
      Row{1, false, false, false, Until::copied, "check create view copy:0", true},
      Row{1, false, false, false, Until::landed,
          "check create view copy:0 shape bytes boot ground clean enrol", false, true},
      Row{1, false, false, false, Until::copied, "check create view copy:0", false, true},
      Row{0, false, false, false, Until::landed,
          "check create view shape bytes boot ground clean"});
  StepGraph graph;
  graph.add_machine(0, {.disks = row.disks,
                        .cutover = row.cutover,
                        .track = row.track,
                        .convert = row.convert,
                        .land = row.land,
                        .until = row.until,
                        .enrol = row.enrol});
  CHECK_FALSE(graph.complete(0));
  CHECK(order(graph) == row.keys);
  CHECK(graph.complete(0));
  CHECK_FALSE(graph.running());
}

TEST_CASE("what is never started is handed over instead", "[plans][graph]") {
  StepGraph machine, volume;
  machine.add_machine(0, {.disks = 1, .starts = false});
  CHECK(order(machine) == "check create view copy:0 shape bytes publish ground clean");
  volume.add_machine(0, {.disks = 1, .starts = false, .shaped = false});
  CHECK(order(volume) == "check create view copy:0 bytes publish ground clean");
}

TEST_CASE("a guest that takes its own drivers is started once before", "[plans][graph]") {
  StepGraph graph;
  graph.add_machine(0, {.disks = 1, .introduce = true});
  CHECK(order(graph) == "check create view copy:0 shape bytes introduce boot ground clean");
  for (const char* key : {"introduce", "boot", "publish"}) CHECK(hands_over(key));
  CHECK_FALSE(hands_over("bytes"));
}

TEST_CASE("disks are copied side by side, within the limit", "[plans][graph]") {
  StepGraph graph;
  graph.add_machine(0, {.disks = 3, .until = Until::copied});
  to_copies(graph);
  const auto first = graph.find_work(1, 2);
  const auto second = graph.find_work(1, 2);
  REQUIRE((first && second));
  CHECK(first->key == "copy:0");
  CHECK(second->key == "copy:1");
  CHECK_FALSE(graph.find_work(1, 2));
  graph.finished(*second, true);
  const auto third = graph.find_work(1, 2);
  REQUIRE(third);
  CHECK(third->key == "copy:2");
  graph.finished(*first, true);
  CHECK(graph.running(0));
  graph.finished(*third, true);
  CHECK(graph.complete(0));
}

TEST_CASE("a machine begins when one of those in work has ended", "[plans][graph]") {
  StepGraph graph;
  for (std::size_t i = 0; i < 2; ++i) graph.add_machine(i, {.disks = 1, .until = Until::copied});
  const auto check = graph.find_work(1, 4);
  REQUIRE(check);
  CHECK_FALSE(graph.find_work(1, 4));
  graph.finished(*check, true);
  for (int i = 0; i < 3; ++i) {
    const auto step = graph.find_work(1, 4);
    REQUIRE(step);
    CHECK(step->machine == 0);
    graph.finished(*step, true);
  }
  const auto next = graph.find_work(1, 4);
  REQUIRE(next);
  CHECK(next->machine == 1);
}

TEST_CASE("a machine that failed begins nothing and stops no other", "[plans][graph]") {
  StepGraph graph;
  for (std::size_t i = 0; i < 2; ++i) graph.add_machine(i, {.disks = 1, .until = Until::copied});
  const auto check = graph.find_work(1, 4);
  REQUIRE(check);
  graph.finished(*check, false);
  graph.give_up(0);
  CHECK(order(graph) == "check create view copy:0");
  CHECK_FALSE(graph.complete(0));
  CHECK(graph.complete(1));
}

TEST_CASE("no step begins after a copy that failed, and others of it may end", "[plans][graph]") {
  StepGraph graph;
  graph.add_machine(0, {.disks = 2});
  to_copies(graph);
  const auto first = graph.find_work(1, 4);
  const auto second = graph.find_work(1, 4);
  REQUIRE((first && second));
  graph.finished(*first, false);
  graph.give_up(0);
  CHECK(graph.running());
  graph.finished(*second, true);
  CHECK_FALSE(graph.running());
  CHECK_FALSE(graph.find_work(1, 4));
  CHECK_FALSE(graph.complete(0));
}

}  // namespace flyt
