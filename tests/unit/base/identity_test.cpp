#include "base/identity.hpp"

#include "base/digest.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("a migration id is made of site, platform and machine", "[identity]") {
  const std::string id = migration_id("site", "platform", "machine");
  // printf 'site\0platform\0machine' | openssl dgst -sha256 -binary | base32
  CHECK(id ==
        "flyt-" + to_base32(sha256(std::string_view("site\0platform\0machine", 21))).substr(0, 20));
  CHECK(id.size() == 25);
  CHECK(id == migration_id("site", "platform", "machine"));
  CHECK(migration_id("a", "bc", "d") != migration_id("ab", "c", "d"));
}

TEST_CASE("random UUIDs are of version 4 and differ", "[identity]") {
  const std::string uuid = random_uuid();
  CHECK(is_uuid(uuid));
  CHECK(uuid[14] == '4');
  CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
  CHECK(uuid != random_uuid());
}

TEST_CASE("what is no UUID is told apart", "[identity]") {
  CHECK(is_uuid("0B7C6B1E-7a1d-4f0e-9d5c-2f8f1f6a4c11"));
  CHECK_FALSE(is_uuid(""));
  CHECK_FALSE(is_uuid("0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c1"));
  CHECK_FALSE(is_uuid("0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c1g"));
  CHECK_FALSE(is_uuid("0b7c6b1e07a1d-4f0e-9d5c-2f8f1f6a4c11"));
}

}  // namespace
}  // namespace flyt
