#include "movers/convert/v2v_log.hpp"

#include "tests/catch.hpp"

using namespace flyt;

TEST_CASE("phases, warnings and errors are told apart") {
  V2vLog log;
  CHECK(log.add(R"({ "message": "Inspecting the source", "timestamp": "x", "type": "message" })") ==
        "Inspecting the source");
  CHECK(log.add(R"({ "message": "no boot loader", "type": "warning" })").empty());
  CHECK(log.add(R"({ "message": "unknown guest", "type": "error" })").empty());
  CHECK(log.warnings == std::vector<std::string>{"no boot loader"});
  CHECK(log.errors == std::vector<std::string>{"unknown guest"});
}

TEST_CASE("text for people and rubbish say nothing") {
  V2vLog log;
  for (const char* line : {"", "[   0.0] Setting up the source", "{", "[1]", "{\"type\": 4}",
                           "{\"type\": \"message\"}", "\xff\xfe"}) {
    CHECK(log.add(line).empty());
  }
  CHECK(log.warnings.empty());
  CHECK(log.errors.empty());
}
