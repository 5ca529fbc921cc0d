#include "cli/today.hpp"

#include <array>

#include "cli/session.hpp"
#include "tests/catch.hpp"

using namespace flyt::cli;

namespace {

constexpr std::array table{OptionInfo{"today", 0, "DATE", ""}};

flyt::Result<std::string> today(const std::vector<std::string>& words) {
  const auto arguments = parse_arguments(CommandInfo{.name = "plan", .options = table}, words);
  REQUIRE(arguments);
  return today_of(*arguments);
}

}  // namespace

TEST_CASE("today is a day of the calendar", "[cli]") {
  CHECK(today({"--today", "2026-11-24"}).value() == "2026-11-24");
  CHECK(today({"--today", "2028-02-29"}));
  CHECK(today({}).value().size() == 10);
  for (const char* wrong : {"nonsense", "2026-02-29", "2026-13-01", "2026-1-1", "2026-11-2x",
                            "26-11-24", "2026/11/24", "", "2026-11-24T00"}) {
    INFO(wrong);
    CHECK_FALSE(today({"--today", wrong}));
  }
}
