// A workbook of Excel (.xlsx, ECMA-376), row by row.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "drivers/rvtools/cells.hpp"

namespace flyt::rvtools {

// The rows of a sheet that have a cell. `shared`: texts that cells name by their number.
Status read_sheet(std::string_view xml, const std::vector<std::string>& shared,
                  const std::string& what, const RowSink& sink, const Call& call);

class Workbook {
 public:
  static Result<Workbook> open(std::filesystem::path file, const Call& call);

  bool has(const std::string& sheet) const;  // whatever the case of its letters
  // Rows without a cell are left out. Errc::not_found: there is no such sheet.
  Status read(const std::string& sheet, const RowSink& sink, const Call& call) const;

 private:
  explicit Workbook(std::filesystem::path file) : file_(std::move(file)) {}
  Status find_sheets(const Call& call);
  Status read_shared(const Call& call);

  std::filesystem::path file_;
  std::map<std::string, std::string> sheets_;  // name in lower case -> member
  std::vector<std::string> shared_;
};

}  // namespace flyt::rvtools
