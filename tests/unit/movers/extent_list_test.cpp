#include "movers/extent_list.hpp"

#include <limits>

#include "tests/catch.hpp"

using flyt::movers::ExtentCursor;
using flyt::movers::ExtentList;
using flyt::movers::Range;

TEST_CASE("Neighbours and overlaps become one extent") {
  ExtentList list;
  for (const Range range : {Range{0, 10}, {10, 20}, {15, 18}, {30, 30}, {40, 50}}) list.add(range);
  CHECK(list.ranges() == std::vector<Range>{{0, 20}, {40, 50}});
}

TEST_CASE("A list over its limit covers more, never less") {
  ExtentList list(8);
  for (std::uint64_t i = 0; i < 1000; ++i) list.add({i * 10000, i * 10000 + 100});
  CHECK(list.ranges().size() <= 8);
  ExtentCursor cursor(list);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Range found = cursor.from(i * 10000);
    CHECK(found.begin <= i * 10000);
    CHECK(found.end >= i * 10000 + 100);
  }
}

TEST_CASE("A cursor gives what overlaps, cut, and an end that is far away") {
  ExtentList list;
  for (const Range range : {Range{0, 10}, {20, 30}, {40, 50}}) list.add(range);
  ExtentCursor cursor(list);
  CHECK(cursor.within(5, 25) == std::vector<Range>{{5, 10}, {20, 25}});
  CHECK(cursor.within(25, 41) == std::vector<Range>{{25, 30}, {40, 41}});
  CHECK(cursor.within(50, 60).empty());
  CHECK(cursor.from(50).begin == std::numeric_limits<std::uint64_t>::max());
}
