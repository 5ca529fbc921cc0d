#include "drivers/rvtools/workbook.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "drivers/rvtools/zip.hpp"
#include "tests/catch.hpp"
#include "tests/rvtools_export.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::rvtools {
namespace {

namespace fs = std::filesystem;

Result<std::vector<Cells>> sheet(const std::string& xml,
                                 const std::vector<std::string>& shared = {}) {
  std::vector<Cells> rows;
  FLYT_TRY(read_sheet(xml, shared, "s",
                      [&](const Cells& cells) {
                        rows.push_back(cells);
                        return ok();
                      },
                      {}));
  return rows;
}

std::string row(const std::string& cells) {
  return "<worksheet><sheetData><row>" + cells + "</row></sheetData></worksheet>";
}

Error wrong(const std::string& xml) {
  const auto read = sheet(xml, {"a"});
  REQUIRE_FALSE(read);
  return read.error();
}

}  // namespace

TEST_CASE("a sheet has cells of every kind, and some are not there", "[rvtools]") {
  const auto read =
      sheet(R"(<x:worksheet xmlns:x="u"><x:cols/><x:sheetData><x:row r="1"/>)"
            R"(<x:row r="2" spans="1:3" ht="a>b"><x:c r="A2" t="s"><x:v>1</x:v></x:c>)"
            R"(<x:c r="C2"><x:v>1.5</x:v></x:c>)"
            R"(<x:c t="inlineStr"><x:is><x:t>a &amp; </x:t><x:r><x:t>b</x:t></x:r>)"
            R"(<x:rPh><x:t>no</x:t></x:rPh></x:is></x:c>)"
            R"(<x:c t="b"><x:v>1</x:v></x:c><x:c t="e"><x:v>#N/A</x:v></x:c>)"
            R"(<x:c t="str"><x:v>7_x000D__x000A_8</x:v></x:c></x:row></x:sheetData></x:worksheet>)",
            {"no", "web01"});
  REQUIRE(read);
  REQUIRE(read->size() == 1);  // the other is blank
  const Cells& cells = read->front();
  REQUIRE(cells.size() == 7);
  CHECK(cells[0].text == "web01");
  CHECK(cells[1].text.empty());
  CHECK(cells[2].text == "1.5");
  CHECK(cells[2].exact);
  CHECK(cells[3].text == "a & b");
  CHECK_FALSE(cells[3].exact);
  CHECK(cells[4].text == "True");
  CHECK(cells[5].text.empty());
  CHECK(cells[6].text == "7\n8");
}

TEST_CASE("a sheet that is none, or hostile, is refused", "[rvtools]") {
  CHECK(wrong(row(R"(<c t="s"><v>1</v></c>)")).what.find("no shared text") != std::string::npos);
  CHECK(wrong(row(R"(<c t="s"><v>-1</v></c>)")).code == Errc::corrupt);
  CHECK(wrong(row(R"(<c r="XFE1"><v>1</v></c>)")).code == Errc::corrupt);
  CHECK(wrong(row(R"(<c r="AAAAAAAAAAAAAAAA1"><v>1</v></c>)")).code == Errc::corrupt);
  CHECK(wrong(row(R"(<c r="7"><v>1</v></c>)")).code == Errc::corrupt);
  CHECK(wrong("<row><c></row>").code == Errc::corrupt);
  CHECK(wrong("<sheetData><row><c/>").what.find("no end") != std::string::npos);
  CHECK(wrong("<row a=\"").what.find("no end") != std::string::npos);
  // Entities that would become billions of letters need a document type.
  CHECK(wrong("<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>" + row("<c/>"))
            .what.find("document type") != std::string::npos);
  CHECK(wrong(row("<!-- <row><c/></row> --><c/>")).what.find("comment") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<c>";
  for (int i = 0; i < 100; ++i) deep += "</c>";
  CHECK(wrong(row(deep)).what.find("nested") != std::string::npos);
  std::string wide;
  for (int i = 0; i < 16'385; ++i) wide += "<c/>";
  CHECK(wrong(row(wide)).code == Errc::corrupt);
}

TEST_CASE("a workbook is read whichever way it was written", "[rvtools]") {
  const tests::Tabs tabs{{"vInfo", {{"VM", "CPUs"}, {"web & 01", "4"}, {"Ærø", "1.5"}}},
                         {"vDisk", {{"VM"}, {"web"}}}};
  for (const tests::XlsxStyle& style :
       {tests::XlsxStyle{}, tests::XlsxStyle{false, "", true}, tests::XlsxStyle{true, "x:", true},
        tests::XlsxStyle{true, "", false}}) {
    const tests::TempDir folder;
    const fs::path file = folder / "export.xlsx";
    tests::write_zip(file, tests::xlsx_members(tabs, style));
    const auto book = Workbook::open(file, {});
    if (!book) FAIL(book.error().what);
    CHECK(book->has("VINFO"));
    CHECK_FALSE(book->has("vCPU"));
    std::vector<Cells> rows;
    const Status read = book->read("vInfo",
                                   [&](const Cells& cells) {
                                     rows.push_back(cells);
                                     return ok();
                                   },
                                   {});
    if (!read) FAIL(read.error().what);
    REQUIRE(rows.size() == 3);
    CHECK(rows[1][0].text == "web & 01");
    CHECK(rows[2][0].text == "Ærø");
    CHECK(rows[2][1].text == "1.5");
    CHECK(rows[2][1].exact);
  }
}

TEST_CASE("a zip that is hostile costs no more than its limit", "[rvtools]") {
  const tests::TempDir folder;
  const fs::path file = folder / "bomb.xlsx";
  tests::write_zip(file, {{"zeroes", std::string(std::size_t{32} << 20, '\0')}, {"small", "here"}});
  CHECK(fs::file_size(file) < 100'000);  // it is one
  const auto bomb = read_member(file, "zeroes", 1 << 20, {});
  REQUIRE_FALSE(bomb);
  CHECK(bomb.error().code == Errc::invalid);
  CHECK(bomb.error().what.find("more than 1 MiB") != std::string::npos);
  CHECK(read_member(file, "small", 1 << 20, {}).value() == "here");
  CHECK(read_member(file, "absent", 1 << 20, {}).error().code == Errc::not_found);
  std::stop_source stop;
  stop.request_stop();
  CHECK(read_member(file, "small", 1 << 20, {stop.get_token()}).error().code == Errc::cancelled);
}

TEST_CASE("a file that is no workbook says so", "[rvtools]") {
  const tests::TempDir folder;
  const fs::path file = folder / "export.xlsx";
  for (const std::string& content :
       {std::string(), std::string("no zip"), std::string(5000, 'P')}) {
    std::ofstream(file) << content;
    const auto book = Workbook::open(file, {});
    REQUIRE_FALSE(book);
    CHECK(book.error().what == "this is no workbook that can be unpacked");
  }
  tests::write_zip(file, {{"hello", "world"}});
  CHECK(Workbook::open(file, {}).error().code == Errc::not_found);
  tests::Members members = tests::xlsx_members({{"vInfo", {{"VM"}, {"a"}}}});
  members["xl/workbook.xml"] = "<!DOCTYPE a [<!ENTITY b \"c\">]><workbook/>";
  tests::write_zip(file, members);
  CHECK(Workbook::open(file, {}).error().code == Errc::invalid);
  // Cut short.
  tests::write_zip(file, tests::xlsx_members(tests::rvtools_4()));
  fs::resize_file(file, fs::file_size(file) / 2);
  CHECK_FALSE(Workbook::open(file, {}));
}

}  // namespace flyt::rvtools
