// Catch2, version 2 (Debian 12) or 3 (Debian 13), and a skip that both understand.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>
#include <string_view>

namespace flyt::tests {

// Records the running test as skipped in the file that FLYT_SKIPS names. False where one of the
// test's tags stands in FLYT_TEST_REQUIRE (comma separated): then it must not be skipped.
bool may_skip(std::string_view reason);

// Sanitizers make a process slow, and find nothing new in the ten-thousandth of a thing.
#ifdef FLYT_SANITIZED
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace flyt::tests

// Leaves the test, saying why it cannot run here. Use it before the first assertion.
#define FLYT_SKIP(reason)                                           \
  do {                                                              \
    if (!::flyt::tests::may_skip(reason)) {                         \
      FAIL("must run here (FLYT_TEST_REQUIRE), but: " << (reason)); \
    }                                                               \
    return;                                                         \
  } while (false)
