#include "base/version.hpp"

namespace flyt {

std::string_view version() noexcept { return FLYT_VERSION; }  // set by cmake/version.cmake

}  // namespace flyt
