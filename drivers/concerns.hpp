// The concerns that drivers raise, for --explain and docs/concerns.md. A driver gives severity and
// text itself; a test finds its codes in its sources and wants them all here.
#pragma once

#include <span>

#include "base/concern_kind.hpp"

namespace flyt {

// By code, ascending. "L-": libvirt, "O-": OVA packages, "R-": RVTools, "V-": what is VMware's.
std::span<const ConcernKind> driver_concern_kinds();

}  // namespace flyt
