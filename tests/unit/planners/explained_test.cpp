// What is raised is explained, in the tables and on the page.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "drivers/concerns.hpp"
#include "movers/inspect/concerns.hpp"
#include "planners/concerns.hpp"
#include "tests/catch.hpp"

namespace {

// The test runner's; else it is where we are.
std::filesystem::path source_folder() {
  const char* source = std::getenv("FLYT_SOURCE");
  return source == nullptr ? "." : source;
}

}  // namespace

TEST_CASE("docs/concerns.md lists every concern as the tables have it", "[planners]") {
  std::ifstream file(source_folder() / "docs/concerns.md");
  REQUIRE(file);
  std::string page, line;
  while (std::getline(file, line)) {
    if (line.starts_with("| `")) page += line + "\n";
  }
  std::string table;
  for (const auto kinds :
       {flyt::concern_kinds(), flyt::driver_concern_kinds(), flyt::inside_concern_kinds()}) {
    for (const auto& kind : kinds) {
      table += fmt::format("| `{}` | {} | {} | {} |\n", kind.code, flyt::to_string(kind.severity),
                           kind.title, kind.help);
    }
  }
  CHECK(page == table);
}

TEST_CASE("Every code in a driver's sources is explained, and no other", "[planners]") {
  const std::regex code("\"([A-Z]-[A-Z0-9]+(-[A-Z0-9]+)*)\"");
  std::set<std::string> raised, explained;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_folder() / "drivers")) {
    if (entry.path().extension() != ".cpp" || entry.path().filename() == "concerns.cpp") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), code), end; at != end; ++at) {
      raised.insert((*at)[1]);
    }
  }
  std::string last;
  for (const auto& kind : flyt::driver_concern_kinds()) {
    CHECK(std::string(kind.code) > last);
    last = kind.code;
    explained.insert(last);
  }
  CHECK(raised == explained);
}
