// libvirt as a subject: a private daemon that FLYT_TEST_LIBVIRT_URI names.
#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject libvirt_subject();

}  // namespace flyt::tests
