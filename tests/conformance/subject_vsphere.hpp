// vSphere as a subject: the lab of tests/vsphere, where FLYT_TEST_VSPHERE is set.
#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject vsphere_subject();       // disks are read in ranges
Subject vsphere_vddk_subject();  // by VDDK, for which nbdkit_vddk.cpp there stands in

}  // namespace flyt::tests
