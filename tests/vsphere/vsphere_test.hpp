// The lab's vSphere in a test, and what came of asking the driver.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "drivers/all.hpp"
#include "tests/catch.hpp"
#include "tests/vsphere/vsphere_lab.hpp"

namespace flyt::tests {

inline Call in_time(std::chrono::seconds limit = std::chrono::seconds{120}) {
  return Call{}.within(limit);
}

// "ok", or all that the error says.
template <typename T>
std::string told(const Result<T>& result) {
  if (result) return "ok";
  const Error& error = result.error();
  std::string text = std::string(to_string(error.code)) + ": " + error.what +
                     "\nseen: " + error.seen + "\nwhy: " + error.why;
  for (const std::string& remedy : error.remedy) text += "\nremedy: " + remedy;
  return text;
}

template <typename T>
std::string code_of(const Result<T>& result) {
  if (result) return "ok";
  UNSCOPED_INFO(told(result));
  return std::string(to_string(result.error().code));
}

// The value of a Result that must be a success.
template <typename T>
T take(Result<T> result) {
  REQUIRE(told(result) == "ok");
  return *std::move(result);
}

// The error of a Result that must be one, of this code.
template <typename T>
Error refusal(const Result<T>& result, Errc code) {
  if (result) FAIL("went well, but " << to_string(code) << " was expected");
  INFO(told(result));
  CHECK(result.error().code == code);
  return result.error();
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::unique_ptr<Driver> connect(const EndpointConfig& config) {
  return take(open_driver(config, in_time()));
}

}  // namespace flyt::tests

// Declares `lab`, a VsphereLab&, of machines and flags as VsphereLab::start() takes them.
#define FLYT_VSPHERE(lab, ...)                                                        \
  auto FLYT_JOIN(started_, __LINE__) = ::flyt::tests::VsphereLab::start(__VA_ARGS__); \
  if (!FLYT_JOIN(started_, __LINE__) &&                                               \
      FLYT_JOIN(started_, __LINE__).error().code == ::flyt::Errc::unsupported) {      \
    FLYT_SKIP(FLYT_JOIN(started_, __LINE__).error().seen);                            \
  }                                                                                   \
  REQUIRE(::flyt::tests::told(FLYT_JOIN(started_, __LINE__)) == "ok");                \
  [[maybe_unused]] ::flyt::tests::VsphereLab& lab = **FLYT_JOIN(started_, __LINE__)
