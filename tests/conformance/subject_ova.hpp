#pragma once

#include "tests/conformance/suite.hpp"

namespace flyt::tests {

// Packages made by qemu-img and tar. `packed`: every disk goes through gzip, so it is a stream.
Subject ova_subject(std::string name = "ova", bool packed = false);

}  // namespace flyt::tests
