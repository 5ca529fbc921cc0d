#include "drivers/rvtools/records.hpp"

#include <optional>

namespace flyt::rvtools {

Status each_record_named(const Export& from, const std::string& tab, const std::string& vcenter,
                         const std::function<Status(const Row&, const Header&)>& take,
                         const Call& call) {
  std::optional<Header> header;
  return from.read(
      tab,
      [&](const Cells& cells) -> Status {
        if (!header) {
          header.emplace(cells);
          return ok();
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
