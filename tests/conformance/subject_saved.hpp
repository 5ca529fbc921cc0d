// Saved inventories as a subject.
#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

Subject saved_subject();

}  // namespace flyt::tests
