// Exports of RVTools as a subject.
#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject rvtools_subject();

}  // namespace flyt::tests
