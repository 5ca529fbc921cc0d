#include <algorithm>

#include "drivers/all.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

EndpointConfig endpoint(std::string driver) {
  EndpointConfig config;
  config.name = "here";
  config.driver = std::move(driver);
  return config;
}

Error refused(const EndpointConfig& config) {
  auto opened = open_driver(config, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::invalid);
  CHECK(opened.error().what.find("here") != std::string::npos);
  REQUIRE_FALSE(opened.error().remedy.empty());
  return opened.error();
}

}  // namespace

TEST_CASE("the table of drivers names each driver and key once, with help") {
  std::vector<std::string_view> names;
  for (const DriverEntry& entry : all_drivers()) {
    INFO(entry.name);
    CHECK_FALSE(entry.help.empty());
    CHECK(entry.open != nullptr);
    CHECK(std::count(names.begin(), names.end(), entry.name) == 0);
    names.push_back(entry.name);
    std::vector<std::string_view> keys;
    for (const KeyInfo& key : entry.keys) {
      CHECK_FALSE(key.help.empty());
      CHECK(std::count(keys.begin(), keys.end(), key.name) == 0);
      keys.push_back(key.name);
    }
  }
  CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("an unknown driver is invalid and the nearest is named") {
  CHECK(refused(endpoint("memroy")).remedy.front() == "did you mean memory?");
  CHECK(refused(endpoint("xyzzy")).remedy.front().find("memory") != std::string::npos);
}

TEST_CASE("an unknown key is invalid and the nearest is named") {
  EndpointConfig config = endpoint("memory");
  config.values["worlds"] = "x";
  const Error error = refused(config);
  CHECK(error.what.find("worlds") != std::string::npos);
  CHECK(error.remedy.front() == "did you mean world?");
}

TEST_CASE("a key that is no secret cannot be given as one") {
  EndpointConfig config = endpoint("memory");
  config.secrets["world"] = {SecretSource::Kind::env, "X"};
  CHECK(refused(config).remedy.front().find("world = ") == 0);
}

TEST_CASE("a missing key is named with what it is for") {
  for (const DriverEntry& entry : all_drivers()) {
    const auto needed = std::find_if(entry.keys.begin(), entry.keys.end(),
                                     [](const KeyInfo& key) { return key.required; });
    if (needed == entry.keys.end()) continue;
    INFO(entry.name);
    auto opened = open_driver(endpoint(std::string(entry.name)), {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::invalid);
    CHECK(opened.error().what.find(needed->name) != std::string::npos);
    CHECK(opened.error().why.find(needed->help) != std::string::npos);
  }
}

}  // namespace flyt
