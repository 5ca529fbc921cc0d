// Tags, which vCenter keeps outside its SOAP interface.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// "category:tag" by machine, sorted; machines without tags are left out. A REST session of its own,
// which is ended again whatever happens. Errc::unsupported: the server has no such interface;
// Errc::denied: the user may not see tags.
Result<std::map<std::string, std::vector<std::string>>> read_tags(
    Session& session, const std::vector<std::string>& machines, const Call& call);

}  // namespace flyt::vsphere
