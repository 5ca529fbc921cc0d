#include <algorithm>

#include "drivers/all.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {

TEST_CASE("every driver of the table is a subject of the conformance suite") {
  for (const DriverEntry& entry : all_drivers()) {
    INFO(entry.name);
    CHECK(std::any_of(subjects().begin(), subjects().end(),
                      [&](const Subject& one) { return one.driver == entry.name; }));
  }
}

}  // namespace flyt::tests
