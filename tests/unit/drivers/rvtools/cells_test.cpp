#include "drivers/rvtools/cells.hpp"

#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "drivers/rvtools/csv.hpp"
#include "drivers/rvtools/encoding.hpp"
#include "tests/catch.hpp"
#include "tests/rvtools_export.hpp"

namespace flyt::rvtools {
namespace {

struct Number {
  std::string text;
  std::optional<double> value;
  bool exact = false;
};

std::vector<Cells> rows_of(const std::string& text) {
  std::vector<Cells> rows;
  const Status read = read_csv(text, "x.csv",
                               [&](const Cells& cells) {
                                 rows.push_back(cells);
                                 return ok();
                               },
                               {});
  if (!read) FAIL(read.error().what);
  return rows;
}

Error refused(const std::string& text) {
  const Status read = read_csv(text, "x.csv", [](const Cells&) { return ok(); }, {});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::corrupt);
  return read.error();
}

}  // namespace

TEST_CASE("numbers are read in whatever language they are written", "[rvtools]") {
  const Number cases[] = {
      {"0", 0},
      {"40960", 40960},
      {"1.024", 1024},
      {"1,024", 1024},
      {"1.048.576", 1048576},
      {"1,048,576", 1048576},
      {"1 024", 1024},
      {"1\xc2\xa0"
       "024",
       1024},
      {"1\xe2\x80\xaf"
       "024,5",
       1024.5},
      {"1'024", 1024},
      {"1.024,50", 1024.5},
      {"1,024.50", 1024.5},
      {"1024,5", 1024.5},
      {"1024.5", 1024.5},
      {"0.125", 0.125},
      {"0,125", 0.125},
      {"12.5", 12.5},
      {"1234.567", 1234.567},
      {"-3", -3},
      {"1.024", 1.024, true},
      {"1.5E3", 1500, true},
      {"", {}},
      {"-", {}},
      {"unknown", {}},
      {"1.02.3", {}},
      {"1.024.5", {}},
      {"1,2.3,4", {}},
      {"10,24,000.5", {}},
      {".", {}},
      {"nan", {}, true},
      {"inf", {}, true},
      {"1e999", {}, true},
      {"0x10", {}},
      {"5%", {}},
  };
  for (const Number& one : cases) {
    CAPTURE(one.text);
    CHECK(number_of({one.text, one.exact}) == one.value);
  }
}

TEST_CASE("columns are found by their names, whatever their spelling", "[rvtools]") {
  const Header header({{"VM"}, {"Capacity MiB"}, {"# Cores"}, {"Thin"}, {"VM"}, {"Unit #"}});
  const Cells cells{{"web01"}, {"1.024"}, {"16"}, {"Sandt"}, {"other"}};
  const Row row(header, cells);
  CHECK(row.text("vm") == "web01");
  CHECK(row.mib({"capacitymb", "capacitymib"}) == 1024 * mib);
  CHECK(row.count("#cores") == 16);
  CHECK(row.flag("thin") == true);
  CHECK(row.flag("vm") == std::nullopt);
  CHECK(row.text("unit#").empty());  // the row is shorter
  CHECK(row.count("nothing") == std::nullopt);
  CHECK(key_of("Cores p/s") == "coresps");
}

TEST_CASE("sizes that cannot be true are unknown", "[rvtools]") {
  const Header header({{"Size MiB"}});
  for (const char* text : {"-1", "9000000000000", "", "much"}) {
    CAPTURE(text);
    const Cells cells{{text}};
    CHECK(Row(header, cells).mib({"sizemib"}) == std::nullopt);
  }
  const Cells half{{"0.5"}};
  CHECK(Row(header, half).mib({"sizemib"}) == mib / 2);
}

TEST_CASE("files are read with any mark, quotes and line ends", "[rvtools]") {
  for (const char mark : {',', ';', '\t', '|'}) {
    for (const char* end : {"\r\n", "\n", "\r"}) {
      const tests::Table table{{"a", "b", "c"},
                               {"1", "x;y,z\t|", "say \"hi\""},
                               {"", "two\nlines", " kept in the middle "}};
      const auto rows = rows_of(tests::csv_of(table, {mark, tests::Encoding::utf8, end}));
      REQUIRE(rows.size() == 3);
      CHECK(rows[1][1].text == "x;y,z\t|");
      CHECK(rows[1][2].text == "say \"hi\"");
      CHECK(rows[2][0].text.empty());
      CHECK(rows[2][1].text == "two\nlines");
      CHECK(rows[2][2].text == "kept in the middle");
    }
  }
  CHECK(rows_of("sep=;\r\na;b,c\r\n1;2\r\n")[0][1].text == "b,c");
  CHECK(rows_of("a,b\n\n1,2\n\n").size() == 2);
  CHECK(rows_of("").empty());
  CHECK(rows_of("a,b\n1,2").size() == 2);
}

TEST_CASE("no column is guessed", "[rvtools]") {
  CHECK(refused("a,b\n1,2\n1,2,3\n").what == "x.csv: line 3: 3 fields, the header has 2");
  CHECK(refused("a,b\n\"1\n\n\",2\n1\n").what == "x.csv: line 5: 1 fields, the header has 2");
  CHECK(refused("a,b\n1,\"2\n3,4\n").what ==
        "x.csv: line 2: a quote is opened here and never closed");
  CHECK(refused(std::string(20'000, ',')).what.find("more than") != std::string::npos);
}

TEST_CASE("a stop ends the reading of a long file", "[rvtools]") {
  std::stop_source stop;
  std::string text = "a\n";
  for (int i = 0; i < 20'000; ++i) text += "1\n";
  std::size_t rows = 0;
  const Status read = read_csv(text, "x.csv",
                               [&](const Cells&) {
                                 if (++rows == 10) stop.request_stop();
                                 return ok();
                               },
                               {stop.get_token()});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::cancelled);
  CHECK(rows < 20'000);
}

TEST_CASE("texts are read in the encodings of Windows", "[rvtools]") {
  const tests::Table table{{"VM"}, {"Nykøbing Ærø \xe2\x80\x93 x"}};
  using tests::Encoding;
  for (const Encoding one :
       {Encoding::utf8, Encoding::utf8_mark, Encoding::utf16_little, Encoding::utf16_big}) {
    CHECK(to_utf8(tests::csv_of(table, {',', one, "\n"})) == "VM\nNykøbing Ærø \xe2\x80\x93 x\n");
  }
  CHECK(to_utf8(tests::csv_of({{"Ærø"}}, {',', Encoding::windows_1252, "\r\n"})) == "Ærø\r\n");
  CHECK(to_utf8("10 \x80\n") == "10 \xe2\x82\xac\n");
  CHECK(to_utf8(std::string("a\0b\0c\0", 6)) == "abc");
  CHECK(to_utf8(std::string("\0a\0b\0c", 6)) == "abc");
  CHECK(to_utf8("\xff\xfe\x3d\xd8") == "\xef\xbf\xbd");  // half a pair
  CHECK(to_utf8(std::string("\xff\xfe\x3d\xd8\x00\xde", 6)) == "\xf0\x9f\x98\x80");
  CHECK(to_utf8("a\x1b[2Jb") == "a\xef\xbf\xbd[2Jb");
  CHECK(to_utf8("").empty());
}

}  // namespace flyt::rvtools
