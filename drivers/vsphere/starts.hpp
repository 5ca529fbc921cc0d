// When a machine was last started, as the platform's events tell.
#pragma once

#include <string>

#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// Another text than before: the machine was started in between. Empty: the platform keeps no events
// of it, or does not show them to us, so that nothing is known.
Result<std::string> last_start(Session& session, const Ref& machine, const Call& call);

}  // namespace flyt::vsphere
