#include "drivers/ova/manifest.hpp"

#include <fmt/format.h>

#include "tests/catch.hpp"

using namespace flyt;

namespace {

const std::string one(40, 'a'), two(64, 'B'), five(128, '5');

}  // namespace

TEST_CASE("Manifests of VMware and others are read", "[ova]") {
  const auto entries = ova::parse_manifest(
      "SHA1(web (1).ovf)= " + one + "\r\nSHA256(b=c.vmdk)= " + two + "\n\n sha-512 (c) =" + five);
  REQUIRE(entries);
  REQUIRE(entries->size() == 3);
  const auto* first = ova::find_entry(*entries, "web (1).ovf");
  REQUIRE(first != nullptr);
  CHECK(first->kind == HashKind::sha1);
  CHECK(first->digest == one);
  const auto* second = ova::find_entry(*entries, "b=c.vmdk");
  REQUIRE(second != nullptr);
  CHECK(second->kind == HashKind::sha256);
  CHECK(second->digest == std::string(64, 'b'));
  CHECK(entries->at(2).algorithm == "SHA512");
  CHECK_FALSE(entries->at(2).kind);
  CHECK(ova::find_entry(*entries, "d") == nullptr);
  CHECK(ova::parse_manifest("").value_or(*entries).empty());
}

TEST_CASE("A manifest lists no more files than a package holds", "[ova]") {
  std::string text;
  for (int i = 0; i != 10'000; ++i) text += fmt::format("SHA1(f{})= {}\n", i, one);
  CHECK(ova::parse_manifest(text));
  const auto entries = ova::parse_manifest(text + "SHA1(one more)= " + one);
  REQUIRE_FALSE(entries);
  CHECK(entries.error().code == Errc::invalid);
}

TEST_CASE("A manifest with any other line is refused", "[ova]") {
  for (const std::string& bad :
       {std::string("rubbish"), "SHA1(a)= " + two, "SHA256(a)= " + one, "MD5(a)= " + one,
        "SHA1()= " + one, "SHA1 a= " + one, "SHA1(a) " + one, "SHA1(a)= " + std::string(40, 'g'),
        "SHA1(a\x01)= " + one, fmt::format("SHA1(a)= {0}\nSHA1(a)= {0}", one),
        fmt::format("SHA1(a)= {}\nSHA256(a)= {}", one, two)}) {
    INFO(bad);
    const auto entries = ova::parse_manifest(bad);
    REQUIRE_FALSE(entries);
    CHECK(entries.error().code == Errc::corrupt);
  }
}
