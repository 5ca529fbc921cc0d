#include "plans/canonical_json.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace flyt {
namespace {

std::string canonical(const char* text) {
  const auto out = canonical_text(nlohmann::json::parse(text));
  return out ? *out : out.error().what;
}

}  // namespace

TEST_CASE("RFC 8785: sorting by UTF-16 code units, section 3.2.3", "[plans][canonical]") {
  CHECK(canonical(R"({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5,
                      "\u0080": 6, "\u00f6": 7})") ==
        "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}");
}

TEST_CASE("RFC 8785: strings and literals, section 3.2.2", "[plans][canonical]") {
  CHECK(canonical(R"(["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", null, true, false])") ==
        R"(["€$\u000f\nA'B\"\\\\\"/",null,true,false])");
}

TEST_CASE("only whole numbers that every reader sees alike", "[plans][canonical]") {
  CHECK(canonical("[0, -0, 9007199254740991, -9007199254740991]") ==
        "[0,0,9007199254740991,-9007199254740991]");
  for (const char* text : {"1.5", "1e3", "9007199254740992", "-9007199254740992"}) {
    CHECK_FALSE(canonical_text(nlohmann::json::parse(text)).has_value());
  }
}

}  // namespace flyt
