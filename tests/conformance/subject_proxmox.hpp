#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject proxmox_subject();

}  // namespace flyt::tests
