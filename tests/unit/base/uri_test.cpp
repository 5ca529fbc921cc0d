#include "base/uri.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("a URI is taken apart", "[uri]") {
  const Uri uri = Uri::parse("HTTPS://pve1.example:8006/a%20b/c?x=%41&y").value();
  CHECK(uri.scheme == "https");
  CHECK(uri.host == "pve1.example");
  CHECK(uri.port == 8006U);
  CHECK(uri.path == "/a b/c");
  CHECK(uri.query == "x=%41&y");
  CHECK(uri.text() == "https://pve1.example:8006/a%20b/c?x=%41&y");
}

TEST_CASE("URIs that flyt meets survive being read and written", "[uri]") {
  for (const char* text :
       {"qemu:///system", "qemu+ssh://root@kvm1/system", "https://[fe80::1]:8443/", "https://host",
        "nbd+unix:///?socket=%2Ftmp%2Fs", "memory:demo", "ova:///srv/a.ova"}) {
    INFO(text);
    const auto uri = Uri::parse(text);
    REQUIRE(uri);
    CHECK(uri->text() == text);
  }
  CHECK(Uri::parse("qemu+ssh://root@kvm1/system")->user == "root");
  CHECK(Uri::parse("https://[::1]/")->host == "::1");
}

TEST_CASE("rubbish is no URI", "[uri]") {
  for (const char* text : {"", "https", "://x", "1http://x", "http://a b/", "http://x:y/",
                           "http://x:65536/", "http://[::1/", "http://[::1]x/", "http://[abc]/",
                           "http://x/%", "http://x/%4", "http://x/%zz", "http://x/%00",
                           "http://x/#part", "http://u@/", "http://x\n/", "http://\xc3\xa6/"}) {
    INFO(text);
    const auto uri = Uri::parse(text);
    REQUIRE_FALSE(uri);
    CHECK(uri.error().code == Errc::invalid);
  }
}

TEST_CASE("a password in a URI is refused and not repeated", "[uri]") {
  for (const char* text : {"https://flyt:hemmelig@host/", "https://flyt:hemmelig@ho st/",
                           "https://flyt%3Ahemmelig@host/", "flyt:hemmelig@host#x"}) {
    const auto uri = Uri::parse(text);
    if (uri) continue;  // "flyt:hemmelig" alone is a legal scheme and path
    const Error& error = uri.error();
    CHECK((error.what + error.seen + error.why).find("hemmelig") == std::string::npos);
  }
  CHECK_FALSE(Uri::parse("https://flyt:hemmelig@host/"));
  CHECK_FALSE(Uri::parse("https://flyt%3Ahemmelig@host/"));
}

TEST_CASE("percent encoding goes both ways", "[uri]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_encode("a-._~/") == "a-._~%2F");
  CHECK_FALSE(percent_decode("%4"));
  CHECK_FALSE(percent_decode("%g0"));
  CHECK(nbd_unix_uri("/tmp/a b/s") == "nbd+unix:///?socket=%2Ftmp%2Fa%20b%2Fs");
}

}  // namespace
}  // namespace flyt
