// Which flyt this is.
#pragma once

#include <string_view>

namespace flyt {

// "0.1.0" for a release, "0.1.0+g1a2b3c4" for a build of the commit 1a2b3c4 between releases.
std::string_view version() noexcept;

}  // namespace flyt
