#include "cli/views/human/text.hpp"

#include "tests/catch.hpp"

using namespace flyt::cli;

TEST_CASE("width counts columns, not bytes", "[cli][views]") {
  CHECK(width_of("") == 0);
  CHECK(width_of("web01") == 5);
  CHECK(width_of("Æblegård") == 8);
  CHECK(width_of("e\xcc\x81") == 1);         // combining acute
  CHECK(width_of("\xe4\xb8\xad") == 2);      // CJK
  CHECK(width_of("\xf0\x9f\x98\x80") == 2);  // emoji
  CHECK(width_of("\x1b[31mFAIL\x1b[0m") == 4);
  CHECK(width_of("\xff\xc3") == 2);  // not UTF-8
}

TEST_CASE("text is padded and shortened by columns", "[cli][views]") {
  CHECK(pad("Å", 3) == "Å  ");
  CHECK(pad("7", 3, Align::right) == "  7");
  CHECK(pad("long", 2) == "long");
  CHECK(shorten("web01", 5) == "web01");
  CHECK(shorten("web0123", 5) == "web0…");
  CHECK(shorten("\xe4\xb8\xad\xe4\xb8\xad", 3) == "\xe4\xb8\xad…");
  CHECK(shorten("\x1b[31mFAILED\x1b[0m", 4) == "\x1b[31mFAI…\x1b[0m");
}

TEST_CASE("control characters of foreign names never reach the terminal", "[cli][views]") {
  CHECK(printable("a\x1b[2Jb\x07") == "a?[2Jb?");
  CHECK(printable("a\xc2\x9b"
                  "b") == "a?b");
  CHECK(printable("Ærø\tx\ny") == "Ærø x\ny");
}

TEST_CASE("nothing turns, hides or forges a line", "[cli][views]") {
  CHECK(one_line("web01\nweb02: landed") == "web01?web02: landed");
  const std::string turning{'\xe2', '\x80', '\xae'};  // U+202E
  CHECK(printable("gpj." + turning + "exe") == "gpj.?exe");
  CHECK(printable("a\u2066b\u2069\u200e\u061c\u2028\ufeff") == "a?b?????");
  CHECK(printable("\xff\xc3") == "??");
  CHECK(printable("\xe0\x82\x9b") == "???");  // U+009B in a longer form than needed
  CHECK(printable("\xed\xa0\x80") == "???");  // half of a surrogate pair
  CHECK(printable("\U0001f468\u200d\U0001f4bb Ærø") == "\U0001f468\u200d\U0001f4bb Ærø");
  CHECK(width_of(short_name(std::string(300, 'x'))) == longest_name);
  CHECK(Style{true}.red("a\x1b]0;x\n") == "\x1b[31ma?]0;x?\x1b[0m");
  CHECK(Style{}.red("a\x1b[2J") == "a?[2J");
  Table table({"name", "state"});
  table.add({"\x1b[2Jweb01\nforged", Cell::painted(Style{true}.red("failed"))});
  CHECK(table.text(Style{}) ==
        "name              state\n?[2Jweb01?forged  \x1b[31mfailed\x1b[0m\n");
}

TEST_CASE("lines are wrapped at spaces and keep long words", "[cli][views]") {
  CHECK(wrap("", 10).empty());
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("a\nb", 7) == std::vector<std::string>{"a", "b"});
  CHECK(wrap("/a/very/long/path x", 5) == std::vector<std::string>{"/a/very/long/path", "x"});
}

TEST_CASE("numbers read well", "[cli][views]") {
  CHECK(with_commas(7) == "7");
  CHECK(with_commas(1140) == "1,140");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(count(1, "machine") == "1 machine");
  CHECK(count(1212, "machine") == "1,212 machines");
}

TEST_CASE("a table aligns its columns and never passes the width of a line", "[cli][views]") {
  Table table({"name", "size"}, {Align::left, Align::right});
  table.add({"Å", "10"});
  table.add({"web01", "2"});
  CHECK(table.text(Style{}, " ") == " name   size\n Å        10\n web01     2\n");
  table.add({std::string(300, 'x'), "3"});
  const auto text = table.text(Style{true}, "  ");
  for (const auto& line : wrap(text, 1000)) CHECK(width_of(line) <= widest_line);
}
