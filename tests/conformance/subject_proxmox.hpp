#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject proxmox_subject();
Subject proxmox_api_subject();

}  // namespace flyt::tests
