#include "movers/convert/changed_map.hpp"

#include "tests/catch.hpp"

using namespace flyt;

TEST_CASE("the map of an overlay lists what stands in the overlay itself") {
  // As qemu-img 7.2 prints it for an overlay without its backing.
  const auto changed = parse_changed_map(R"([
    { "start": 0, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 327680},
    { "start": 4096, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 331776},
    { "start": 8192, "length": 12288, "depth": 0, "present": false, "zero": true, "data": false},
    { "start": 20480, "length": 4096, "depth": 0, "present": true, "zero": true, "data": false},
    { "start": 24576, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 335872}])");
  REQUIRE(changed);
  CHECK(*changed ==
        std::vector<Extent>{{0, 8192, false}, {20480, 4096, true}, {24576, 4096, false}});
}

TEST_CASE("an overlay that holds nothing has no changes") {
  const auto changed = parse_changed_map(
      R"([{ "start": 0, "length": 1048576, "depth": 0, "present": false, "zero": true, "data": false}])");
  REQUIRE(changed);
  CHECK(changed->empty());
  CHECK(parse_changed_map("[]")->empty());
}

TEST_CASE("what is no map is refused") {
  for (
      const char* text :
      {"", "{}", "[1]", "[{}]", "[[]]", "[null]", "[",
       R"([{"start":0,"length":1,"present":true,"zero":false})",
       R"([{"start":-1,"length":1,"present":true,"zero":false}])",
       R"([{"start":0,"length":8,"present":true,"zero":false},{"start":4,"length":8,"present":true,"zero":false}])",
       R"([{"start":18446744073709551615,"length":2,"present":true,"zero":false}])",
       R"([{"start":0,"length":1,"present":"yes","zero":false}])"}) {
    CAPTURE(text);
    const auto changed = parse_changed_map(text);
    REQUIRE_FALSE(changed);
    CHECK(changed.error().code == Errc::internal);
  }
}
