#include "drivers/rvtools/tabs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/durable_file.hpp"
#include "base/lower_case.hpp"
#include "drivers/rvtools/csv.hpp"
#include "drivers/rvtools/encoding.hpp"
#include "drivers/rvtools/workbook.hpp"

namespace flyt::rvtools {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_file = std::uint64_t{256} << 20;

// "RVTools_tabvInfo.csv" and "export_vInfo.csv" are "vinfo"; empty: another file.
std::string tab_of(const fs::path& file) {
  const std::string name = lower_case(file.filename().string());
  constexpr std::string_view end = ".csv", mark = "tab";
  if (!name.ends_with(end)) return {};
  std::string stem = name.substr(0, name.size() - end.size());
  if (const auto at = stem.rfind('_'); at != std::string::npos) stem.erase(0, at + 1);
  if (stem.starts_with(mark)) stem.erase(0, mark.size());
  return stem;
}

// Those that are read; others may lie beside them under any name.
bool is_read(const std::string& tab) {
  constexpr std::array tabs{"vinfo",    "vcpu",  "vmemory", "vdisk",      "vpartition",
                            "vnetwork", "vcd",   "vusb",    "vsnapshot",  "vtools",
                            "vhost",    "vport", "dvport",  "vdatastore", "vmetadata"};
  return std::find(tabs.begin(), tabs.end(), tab) != tabs.end();
}

class Sheets final : public Export {
 public:
  explicit Sheets(Workbook book) : book_(std::move(book)) {}
  bool has(const std::string& tab) const override { return book_.has(tab); }
  Status read(const std::string& tab, const RowSink& sink, const Call& call) const override {
    return book_.read(tab, sink, call);
  }

 private:
  Workbook book_;
};

class Files final : public Export {
 public:
  Status find(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator at(folder, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      std::error_code unknown;
      const std::string tab = tab_of(at->path());
      if (!is_read(tab) || !at->is_regular_file(unknown)) continue;
      const auto [there, is_new] = files_.emplace(tab, at->path());
      if (is_new) continue;
      return Error{Errc::invalid,
                   fmt::format("{} and {} are the same tab", there->second.filename().native(),
                               at->path().filename().native())};
    }
    if (error) return system_error("it cannot be listed", error.value());
    return ok();
  }

  bool has(const std::string& tab) const override { return files_.contains(lower_case(tab)); }

  Status read(const std::string& tab, const RowSink& sink, const Call& call) const override {
    const auto file = files_.find(lower_case(tab));
    if (file == files_.end()) return Error{Errc::not_found, "there is no tab " + tab};
    FLYT_ASSIGN(auto bytes, read_file(file->second, largest_file));
    return read_csv(to_utf8(std::move(bytes)), file->second.filename().native(), sink, call);
  }

 private:
  std::map<std::string, fs::path> files_;  // by tab, in lower case
};

}  // namespace

Result<std::unique_ptr<Export>> open_export(const fs::path& place, const Call& call) {
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (status.type() == fs::file_type::not_found) {
    return Error{Errc::not_found, "there is nothing"};
  }
  if (error) return system_error("it cannot be looked at", error.value());
  if (fs::is_directory(status)) {
    auto files = std::make_unique<Files>();
    FLYT_TRY(files->find(place));
    return std::unique_ptr<Export>(std::move(files));
  }
  if (!fs::is_regular_file(status)) {
    return Error{Errc::invalid, "it is neither a file nor a folder"};
  }
  if (lower_case(place.extension().native()) == ".csv") {
    return Error{Errc::invalid,
                 "it is one tab of an export",
                 {},
                 {},
                 {},
                 {fmt::format("name the folder: path = {:?}", place.parent_path().native())}};
  }
  FLYT_ASSIGN(Workbook book, Workbook::open(place, call));
  return std::unique_ptr<Export>(std::make_unique<Sheets>(std::move(book)));
}

}  // namespace flyt::rvtools
