#include "cli/options.hpp"

#include <fmt/format.h>

#include <array>
#include <set>

#include "cli/commands/commands.hpp"
#include "cli/views/human/text.hpp"
#include "tests/catch.hpp"

using namespace flyt::cli;

namespace {

constexpr std::array operand_table{OperandInfo{"PLAN", "a plan file", true},
                                   OperandInfo{"MORE", "another"}};
constexpr std::array option_table{
    OptionInfo{"select", 0, "WORDS", "which"}, OptionInfo{"output", 'o', "FILE", "where to"},
    OptionInfo{"target", 0, "", "there too"}, OptionInfo{"yes", 'y', "", "do it"},
    OptionInfo{"today", 0, "DATE", ""}};
const CommandInfo made_up{.name = "try",
                          .summary = "Tries.",
                          .operands = operand_table,
                          .options = option_table,
                          .example = "  flyt try x",
                          .run = nullptr};

}  // namespace

TEST_CASE("every command says what it does, in lines that fit, with an example", "[cli]") {
  std::set<std::string_view> names;
  for (const auto* one : all_commands()) {
    CAPTURE(one->name);
    CHECK(names.insert(one->name).second);
    CHECK(one->run != nullptr);
    CHECK(one->example.find(fmt::format("flyt {}", one->name)) != std::string_view::npos);
    for (const auto& line : wrap(help_text(*one), 1000)) CHECK(width_of(line) <= widest_line);
    std::set<std::string_view> options;
    std::set<char> letters = {'h'};
    for (const auto& option : global_options()) options.insert(option.name);
    for (const auto& option : one->options) {
      CAPTURE(option.name);
      CHECK(options.insert(option.name).second);
      CHECK((option.letter == 0 || letters.insert(option.letter).second));
    }
  }
}

TEST_CASE("options and operands stand in any order", "[cli]") {
  const auto given = parse_arguments(
      made_up, {"--json", "-o", "x.json", "p.json", "--select=a,b", "--target", "more", "-y"});
  REQUIRE(given);
  CHECK(given->text("output") == "x.json");
  CHECK(given->text("select") == "a,b");
  CHECK(given->has("json"));
  CHECK(given->has("target"));
  CHECK(given->has("yes"));
  CHECK_FALSE(given->has("today"));
  CHECK(given->operands() == std::vector<std::string>{"p.json", "more"});
  CHECK(given->operand(2, "none") == "none");
}

TEST_CASE("an option for tests is known but not listed", "[cli]") {
  CHECK(parse_arguments(made_up, {"p", "--today", "2026-11-24"}));
  CHECK_THAT(help_text(made_up), !Catch::Contains("--today") && Catch::Contains("--select WORDS"));
}

TEST_CASE("a wrong command line is named, with the nearest right one", "[cli]") {
  struct Row {
    std::vector<std::string> words;
    std::string what, remedy;
  };
  const std::vector<Row> rows = {
      {{"p", "--selct", "x"}, "there is no option --selct", "write --select"},
      {{"p", "--select"}, "--select", "flyt try --help"},
      {{"a", "b", "c"}, "\"c\" is one word too many", "flyt try --help"},
      {{"p", "--json=1"}, "--json", "flyt try --help"},
      {{}, "PLAN is missing", "flyt try --help"},
      {{"a", "--targe"}, "there is no option --targe", "write --target"},
      {{"a", "-z"}, "-z", "flyt try --help"},
  };
  for (const auto& row : rows) {
    const auto given = parse_arguments(made_up, row.words);
    REQUIRE_FALSE(given);
    CHECK(given.error().code == flyt::Errc::invalid);
    CHECK_THAT(given.error().what, Catch::Contains(row.what));
    CHECK_THAT(fmt::format("{}", fmt::join(given.error().remedy, "\n")),
               Catch::Contains(row.remedy));
  }
}
