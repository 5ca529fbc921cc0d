#include "cli/views/human/style.hpp"

#include "tests/catch.hpp"

using namespace flyt::cli;

TEST_CASE("commands to copy are words as sh reads them", "[cli][views]") {
  CHECK(shown_word("pilot-1.json") == "pilot-1.json");
  CHECK(shown_word("Ærø.json") == "Ærø.json");
  CHECK(shown_word("") == "''");
  CHECK(shown_word("my plan.json") == "'my plan.json'");
  CHECK(shown_word("o'clock") == "'o'\\''clock'");
  CHECK(shown_word("$(reboot)") == "'$(reboot)'");
  CHECK(shown_word("a\x1b[2J'\xff") == "$'a\\033[2J\\047\\377'");
}

TEST_CASE("commands to copy name the site file that was given", "[cli][views]") {
  const Style plain{};
  const Style of_site{false, "my site.toml"};
  CHECK(plain.command({"apply", "my plan.json"}) == "flyt apply 'my plan.json'");
  CHECK(of_site.command({"apply", "p.json"}) == "flyt apply p.json --site 'my site.toml'");
  CHECK(of_site.remedy("flyt status") == "flyt status --site 'my site.toml'");
  CHECK(of_site.remedy("flyt plan --help") == "flyt plan --help");
  CHECK(of_site.remedy("flyt check --site x") == "flyt check --site x");
  CHECK(of_site.remedy("wait for it") == "wait for it");
  CHECK(plain.remedy("flyt status") == "flyt status");
}
