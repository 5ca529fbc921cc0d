// An export by its tabs: a workbook, or a folder with a file for each.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/call.hpp"
#include "drivers/rvtools/cells.hpp"

namespace flyt::rvtools {

class Export {
 public:
  Export() = default;
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;
  virtual ~Export() = default;

  virtual bool has(const std::string& tab) const = 0;  // "vInfo"
  virtual Status read(const std::string& tab, const RowSink& sink, const Call& call) const = 0;
};

// An .xlsx, or a folder with RVTools_tabvInfo.csv, RVTools_tabvDisk.csv and the others.
// Errc::not_found, Errc::invalid: it is neither, or two files are the same tab. No error names
// `place`: the caller does.
Result<std::unique_ptr<Export>> open_export(const std::filesystem::path& place, const Call& call);

}  // namespace flyt::rvtools
