#include "drivers/vsphere/privileges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

// The test runner's; else it is where we are.
std::filesystem::path source_folder() {
  const char* source = std::getenv("FLYT_SOURCE");
  return source == nullptr ? "." : source;
}

std::string word_of(Purpose purpose) {
  for (const PurposeInfo& one : purposes()) {
    if (one.purpose == purpose) return std::string(one.word);
  }
  return "no word";
}

std::string word_of(On on) {
  if (on == On::root) return "vCenter";
  return on == On::machine ? "machines" : "datastores";
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("docs/drivers/vsphere.md has the role as the code has it") {
  std::vector<std::string> rows, commands, wanted_rows;
  std::string ids;
  for (const Privilege& one : privileges()) {
    wanted_rows.push_back(
        fmt::format("| `{}` | {} | {} |", one.id, word_of(one.purpose), word_of(one.on)));
    ids += fmt::format("{}{}", ids.empty() ? "" : " ", one.id);
  }
  std::string text;
  for (const std::string& line : lines_of(source_folder() / "docs/drivers/vsphere.md")) {
    for (const PurposeInfo& one : purposes()) {
      if (line.find(fmt::format("` | {} | ", one.word)) != std::string::npos) rows.push_back(line);
    }
    text += line + ' ';
  }
  CHECK(rows == wanted_rows);
  // The commands for govc and for PowerCLI are broken into lines.
  std::string plain;
  for (const char c : text) {
    if (c == '\\' || c == '`' || c == ',' || (c == ' ' && plain.ends_with(' '))) continue;
    plain += c;
  }
  CHECK(plain.find("govc role.create flyt " + ids + " ") != std::string::npos);
  CHECK(plain.find("$ids = -split '" + ids + "'") != std::string::npos);
}

TEST_CASE("every purpose has privileges, and every privilege is one") {
  std::set<std::string_view> ids;
  for (const Privilege& one : privileges()) CHECK(ids.insert(one.id).second);
  for (const PurposeInfo& purpose : purposes()) {
    INFO(purpose.word);
    CHECK(std::any_of(privileges().begin(), privileges().end(),
                      [&](const Privilege& one) { return one.purpose == purpose.purpose; }));
  }
}

}  // namespace flyt::vsphere
