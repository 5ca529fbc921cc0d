#include "base/version.hpp"

#include <string>

#include "tests/catch.hpp"

TEST_CASE("The version begins with three numbers", "[base]") {
  const std::string version(flyt::version());
  CHECK_THAT(version, Catch::Matchers::Matches(R"([0-9]+\.[0-9]+\.[0-9]+(\+g[0-9a-f]+)?)"));
}
