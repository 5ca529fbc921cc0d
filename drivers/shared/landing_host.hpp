// Landing hosts, inside drivers/shared: what a failure on the way there or there means.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {

// A failure whose `seen` is what ssh, sudo and the command printed: as what ssh or sudo refused;
// any other one as it is.
Error landing_error(const LandingHost& host, Error error, std::string_view what);

// The login has printed `seen` and let no command of ours run.
Error runs_nothing(const Ssh& ssh, std::string seen);

// The remedy where only root may look: another word for `landing`.
std::string as_root(const LandingHost& host);

}  // namespace flyt
