// The rows of a tab that are of one vCenter.
#pragma once

#include <functional>
#include <string>

#include "base/call.hpp"
#include "drivers/rvtools/tabs.hpp"

namespace flyt::rvtools {

// Every row behind the header; Errc::invalid: more than a sheet can have. Where `vcenter`, a "VI
// SDK UUID", is not empty, rows that name another one are passed over: exports of several vCenters
// can be merged into one.
Status each_record(const Export& from, const std::string& tab, const std::string& vcenter,
                   const std::function<Status(const Row& row)>& take, const Call& call);

// The same, with the header's names.
Status each_record_named(const Export& from, const std::string& tab, const std::string& vcenter,
                         const std::function<Status(const Row& row, const Header& header)>& take,
                         const Call& call);

}  // namespace flyt::rvtools
