// vSphere as a subject: the lab of tests/vsphere, where FLYT_TEST_VSPHERE is set.
#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject vsphere_subject();

}  // namespace flyt::tests
