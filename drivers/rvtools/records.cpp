#include "drivers/rvtools/records.hpp"

#include <fmt/format.h>

#include <optional>

namespace flyt::rvtools {
namespace {

constexpr std::size_t most_rows = 1'048'576;  // of a sheet in Excel

}  // namespace

Status each_record_named(const Export& from, const std::string& tab, const std::string& vcenter,
                         const std::function<Status(const Row&, const Header&)>& take,
                         const Call& call) {
  std::optional<Header> header;
  std::size_t rows = 0;
  return from.read(
      tab,
      [&](const Cells& cells) -> Status {
        if (!header) {
          header.emplace(cells);
          return ok();
        }
        if (++rows > most_rows) {
          return Error{Errc::invalid, fmt::format("{}: more than {} rows", tab, most_rows)};
        }
        const Row row(*header, cells);
        const std::string of = row.text("visdkuuid");
        if (!vcenter.empty() && !of.empty() && of != vcenter) return ok();
        return take(row, *header);
      },
      call);
}

Status each_record(const Export& from, const std::string& tab, const std::string& vcenter,
                   const std::function<Status(const Row&)>& take, const Call& call) {
  return each_record_named(
      from, tab, vcenter, [&](const Row& row, const Header&) { return take(row); }, call);
}

}  // namespace flyt::rvtools
