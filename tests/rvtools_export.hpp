// Exports as RVTools writes them, made up for tests: as a workbook or as files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace flyt::tests {

using Table = std::vector<std::vector<std::string>>;  // the header first
using Tabs = std::map<std::string, Table>;            // "vInfo"

enum class Encoding { utf8, utf8_mark, utf16_little, utf16_big, windows_1252 };

struct CsvStyle {
  char mark = ',';
  Encoding encoding = Encoding::utf8_mark;
  std::string line_end = "\r\n";
};
std::string csv_of(const Table& table, const CsvStyle& style = {});
// RVTools_tabvInfo.csv and so on.
void write_csv_files(const std::filesystem::path& folder, const Tabs& tabs,
                     const CsvStyle& style = {});

struct XlsxStyle {
  bool shared = true;      // texts stand in sharedStrings.xml; else in their cells
  std::string prefix;      // "x:" as the Open XML SDK writes it
  bool references = true;  // cells say where they are
};
using Members = std::map<std::string, std::string>;
Members xlsx_members(const Tabs& tabs, const XlsxStyle& style = {});
void write_zip(const std::filesystem::path& file, const Members& members);

// A small vCenter with what is awkward about machines; columns as RVTools 4 names them.
Tabs rvtools_4();
// One machine and its parts, as RVTools 3 named the columns: MB, no keys of disks.
Tabs rvtools_3();

}  // namespace flyt::tests
