#include "base/dns_name.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("names of hosts are letters, digits and hyphens with dots between", "[base]") {
  for (const char* good : {"web01", "a", "0", "web-01.kommune.dk", "A-b.C"}) {
    INFO(good);
    CHECK(is_dns_name(good));
  }
  for (const char* bad : {"", " ", "web 01", "web_01", "-web", "web-", "web.", ".web", "a..b",
                          "r\xc3\xa5"
                          "dhus",
                          "a/b"}) {
    INFO(bad);
    CHECK_FALSE(is_dns_name(bad));
  }
  CHECK(is_dns_name(std::string(63, 'a')));
  CHECK_FALSE(is_dns_name(std::string(64, 'a')));
  const std::string label(63, 'a');
  CHECK_FALSE(is_dns_name(fmt::format("{0}.{0}.{0}.{0}", label)));
}

TEST_CASE("any name becomes the nearest that a host may have", "[base]") {
  const std::pair<const char*, const char*> cases[] = {
      {"web01", "web01"},
      {"R\xc3\xa5"
       "dhus web_01",
       "Raadhus-web-01"},
      {"\xc3\x86"
       "bler & p\xc3\xa6rer",
       "Aebler-paerer"},
      {"S\xc3\xb8lv (gammel)", "Soelv-gammel"},
      {"stra\xc3\x9f"
       "e",
       "strasse"},
      {"--a--b--", "a-b"},
      {"a..b.", "a.b"},
      {"db01.kommune.dk", "db01.kommune.dk"},
      {"\xe2\x98\x82", ""},
      {"\xe2\x98\x82 umbrella", "umbrella"},
      {"", ""},
      {"\xc3", ""},
  };
  for (const auto& [from, to] : cases) {
    INFO(from);
    CHECK(dns_name_from(from) == to);
    if (*to != '\0') CHECK(is_dns_name(dns_name_from(from)));
  }
  CHECK(dns_name_from(std::string(100, 'x')) == std::string(63, 'x'));
}

}  // namespace
}  // namespace flyt
