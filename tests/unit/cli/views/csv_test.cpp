#include "cli/views/csv/csv.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/catch.hpp"

namespace flyt::cli {

TEST_CASE("a cell is quoted where it must be, and is never a formula", "[cli]") {
  const std::pair<std::string, std::string> cases[] = {
      {"web01", "web01"},
      {"", ""},
      {"a,b", "\"a,b\""},
      {"say \"hi\"", "\"say \"\"hi\"\"\""},
      {"=1+1", "'=1+1"},
      {"+45 12", "'+45 12"},
      {"-1", "'-1"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"  =1", "'  =1"},
      {"\t=1", "' =1"},
      {"\n=1", "?=1"},
      {"\xef\xbc\x9d"
       "1",
       "'\xef\xbc\x9d"
       "1"},
      {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
      {"a;=1;b", "a;'=1;b"},
      {"a; @x|+y", "a;' @x|'+y"},
      {"a=b-c", "a=b-c"},
      {";", ";"},
      {"Ærø", "Ærø"},
  };
  for (const auto& [text, cell] : cases) {
    CAPTURE(text);
    CHECK(csv_cell(text) == cell);
  }
}

TEST_CASE("a table has a line for each machine and concern", "[cli]") {
  Machine web, db;
  web.name = "=web";
  web.id = "vm-1";
  web.power = Power::on;
  web.cpus = 4;
  web.disks.resize(2);
  web.disks[0].size_bytes = 10;
  web.disks[1].size_bytes = 5;
  web.guest.name = "Debian, 12";
  db.name = "db";
  db.id = "vm-2";
  db.unreadable = "gone";
  Machine ready = web;
  ready.name = "ready";
  Assessment assessment;
  assessment.endpoint = "vc";
  assessment.all = {
      {&web, {{"A", Severity::info, "", "t", ""}, {"B", Severity::warning, "", "u,v", "do"}}},
      {&db, {{"C", Severity::blocker, "", "w", ""}}},
      {&ready, {}},
  };
  CHECK(assessment_csv(assessment) ==
        "vc,'=web,vm-1,,on,\"Debian, 12\",4,,2,15,with warnings,info,A,t,\r\n"
        "vc,'=web,vm-1,,on,\"Debian, 12\",4,,2,15,with warnings,warning,B,\"u,v\",do\r\n"
        "vc,db,vm-2,,unknown,,,,,,blocked,blocker,C,w,\r\n"
        "vc,ready,vm-1,,on,\"Debian, 12\",4,,2,15,ready,,,,\r\n");
  const std::string header = assessment_csv_header();
  CHECK(std::count(header.begin(), header.end(), ',') == 14);
  CHECK(header.ends_with("remedy\r\n"));
  CHECK(assessment.count(Severity::info) == 1);
  CHECK(assessment.count(Severity::blocker) == 1);
  CHECK(assessment.concerns().size() == 3);
}

}  // namespace flyt::cli
