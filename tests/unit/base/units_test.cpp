#include "base/units.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("sizes are written short", "[units]") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(1023) == "1023 B");
  CHECK(format_size(kib) == "1 KiB");
  CHECK(format_size(38 * gib) == "38 GiB");
  CHECK(format_size(tib + 9 * tib / 10) == "1.9 TiB");
  CHECK(format_size(gib - 1) == "1 GiB");
  CHECK(format_size(~std::uint64_t{0}) == "16 EiB");
  CHECK(format_rate(268.0 * 1024 * 1024) == "268 MiB/s");
  CHECK(format_rate(-1) == "0 B/s");
}

TEST_CASE("durations are written short", "[units]") {
  using namespace std::chrono_literals;
  CHECK(format_duration(0ns) == "0 s");
  CHECK(format_duration(350ms) == "350 ms");
  CHECK(format_duration(41s) == "41 s");
  CHECK(format_duration(21min) == "21 min");
  CHECK(format_duration(3h + 10min) == "3 h 10 min");
  CHECK(format_duration(2h) == "2 h");
  CHECK(format_duration(59min + 45s) == "1 h");
  CHECK(format_duration(75h) == "3 d 3 h");
}

TEST_CASE("sizes are read exactly", "[units]") {
  CHECK(parse_size("4096") == 4096U);
  CHECK(parse_size("200 MiB") == 200 * mib);
  CHECK(parse_size("200MiB/s") == 200 * mib);
  CHECK(parse_size("2 TB") == 2'000'000'000'000U);
  CHECK(parse_size("1.5 GiB") == gib + gib / 2);
  CHECK(parse_size("2.3 kB") == 2300U);
  CHECK(parse_size(" 8G ") == 8 * gib);
  CHECK(parse_size("18446744073709551615") == ~std::uint64_t{0});
}

TEST_CASE("what is no size is refused with an example", "[units]") {
  for (const char* text : {"", "MiB", "-1", "1.", "1.5", "2 Mb", "2 MiB x", "1 XB", "1 MiB/h",
                           "18446744073709551616", "16777217 TiB", "0x10"}) {
    INFO(text);
    const auto size = parse_size(text);
    REQUIRE_FALSE(size);
    CHECK(size.error().code == Errc::invalid);
    CHECK_FALSE(size.error().remedy.empty());
  }
}

TEST_CASE("durations are read, also several parts", "[units]") {
  using namespace std::chrono_literals;
  CHECK(parse_duration("180 s") == std::chrono::seconds(180s));
  CHECK(parse_duration("3 min") == std::chrono::seconds(3min));
  CHECK(parse_duration("2h") == std::chrono::seconds(2h));
  CHECK(parse_duration("1 h 30 min") == std::chrono::seconds(90min));
  CHECK(parse_duration("1.5 h") == std::chrono::seconds(90min));
  CHECK(parse_duration("90") == std::chrono::seconds(90s));
  for (const char* text : {"", "s", "-3 s", "3 parsecs", "1 h 30", "30 1 h", "99999999999 d"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a slip of the finger finds the word that was meant", "[units]") {
  const std::vector<std::string_view> known = {"password", "url", "user", "token"};
  CHECK(nearest("pasword", known) == "password");
  CHECK(nearest("usr", known) == "user");
  CHECK(nearest("sues", {"uses"}) == "uses");  // two letters swapped, in a short word
  CHECK(nearest("verfiy", {"verify"}) == "verify");
  CHECK(nearest("vlan3", {"vlan1", "vlan2"}) == "vlan1");  // the first of two as near
  CHECK(nearest("tokens", known) == "token");
  CHECK(nearest("folder", known).empty());
  CHECK(nearest("", known).empty());
}

TEST_CASE("parse_utc takes one form alone", "[units]") {
  using namespace std::chrono;
  CHECK(parse_utc("1970-01-01T00:00:00Z") == sys_seconds{});
  CHECK(parse_utc("2026-11-24T12:00:01Z") ==
        sys_days(year(2026) / November / 24) + hours(12) + seconds(1));
  for (const char* wrong :
       {"", "2026-11-24", "2026-11-24T12:00:01", "2026-11-24t12:00:01Z", "2026-11-24T12:00:01+",
        "2026-02-30T12:00:01Z", "2026-13-01T12:00:01Z", "2026-11-24T24:00:00Z",
        "2026-11-24T12:60:00Z", "2026-11-24T12:00:61Z", " 026-11-24T12:00:00Z"}) {
    INFO(wrong);
    CHECK_FALSE(parse_utc(wrong));
  }
}

TEST_CASE("disks are whole sectors", "[unit]") {
  CHECK(whole_sectors(0) == 0);
  CHECK(whole_sectors(1) == 512);
  CHECK(whole_sectors(512) == 512);
  CHECK(whole_sectors(1000001) == 1000448);
}

}  // namespace
}  // namespace flyt
