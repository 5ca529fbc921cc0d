// What VMware's faults mean for whoever called.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "drivers/vsphere/soap.hpp"

namespace flyt::vsphere {

// `what`: what was asked for, with its object: "web01: taking the snapshot flyt-abc". VMware's own
// message and the fault's name become Error::seen.
Error error_of(const Fault& fault, std::string_view what);

// The session is not there any more: it ran out, or somebody ended it.
bool is_no_session(const Fault& fault);

}  // namespace flyt::vsphere
