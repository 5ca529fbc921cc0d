#include "drivers/vsphere/changes.hpp"

#include "tests/catch.hpp"

using flyt::vsphere::may_follow;

TEST_CASE("changes are asked only of the tracking that an id is of, and forward", "[vsphere]") {
  CHECK(may_follow("52 de c0 d9-7f 00/7", "52 de c0 d9-7f 00/7"));
  CHECK(may_follow("52 de c0 d9-7f 00/9", "52 de c0 d9-7f 00/10"));
  CHECK_FALSE(may_follow("52 de c0 d9-7f 00/10", "52 de c0 d9-7f 00/9"));
  CHECK_FALSE(may_follow("52 de c0 d9-7f 00/7", "52 de c0 d9-7f 01/8"));
  const char* rubbish = GENERATE("", "/", "/7", "52 de/", "52 de", "52 de/x", "52 de/7x", "*");
  CAPTURE(rubbish);
  CHECK_FALSE(may_follow(rubbish, "52 de/8"));
  CHECK_FALSE(may_follow("52 de/7", rubbish));
}
