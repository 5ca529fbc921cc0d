#include "base/secret.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

using Kind = SecretSource::Kind;

std::string all_of(const Error& error) {
  std::string text = error.what + error.seen + error.why + error.state;
  for (const std::string& line : error.remedy) text += line;
  return text;
}

TEST_CASE("a secret is copied, moved and assigned", "[secret]") {
  Secret one(std::string("hemmelig"));
  Secret two = one;
  Secret three = std::move(one);
  CHECK(two.reveal() == "hemmelig");
  CHECK(three.reveal() == "hemmelig");
  two = Secret(std::string(1000, 'x'));
  CHECK(two.reveal().size() == 1000);
  three = two;
  CHECK(three.reveal() == two.reveal());
  CHECK(Secret().empty());
}

TEST_CASE("a secret comes from a file for us alone", "[secret]") {
  const tests::TempDir dir;
  REQUIRE(write_durably(dir / "token", "hemmelig\nsecond line\n", 0600));
  CHECK(resolve({Kind::file, "token"}, dir.path(), {})->reveal() == "hemmelig");
  CHECK(resolve({Kind::file, (dir / "token").native()}, "/", {})->reveal() == "hemmelig");
  CHECK(resolve({Kind::file, "none"}, dir.path(), {}).error().code == Errc::not_found);
  REQUIRE(::chmod((dir / "token").c_str(), 0640) == 0);
  const auto open = resolve({Kind::file, "token"}, dir.path(), {});
  REQUIRE_FALSE(open);
  CHECK(open.error().code == Errc::denied);
  CHECK(all_of(open.error()).find("hemmelig") == std::string::npos);
}

TEST_CASE("a secret comes from the environment", "[secret]") {
  REQUIRE(::setenv("FLYT_TEST_SECRET", "hemmelig", 1) == 0);
  CHECK(resolve({Kind::env, "FLYT_TEST_SECRET"}, "/", {})->reveal() == "hemmelig");
  REQUIRE(::unsetenv("FLYT_TEST_SECRET") == 0);
  CHECK(resolve({Kind::env, "FLYT_TEST_SECRET"}, "/", {}).error().code == Errc::not_found);
}

TEST_CASE("a secret comes from a command, and its errors keep it", "[secret]") {
  const tests::TempDir dir;
  CHECK(resolve({Kind::command, "printf 'hemmelig\\nuser: x\\n'"}, dir.path(), {})->reveal() ==
        "hemmelig");
  REQUIRE(write_durably(dir / "f", "hemmelig\n", 0600));
  CHECK(resolve({Kind::command, "cat f"}, dir.path(), {})->reveal() == "hemmelig");
  const auto failed = resolve({Kind::command, "cat f; cat f >&2; exit 1"}, dir.path(), {});
  REQUIRE_FALSE(failed);
  CHECK(all_of(failed.error()).find("hemmelig") == std::string::npos);
  CHECK(resolve({Kind::command, "true"}, dir.path(), {}).error().code == Errc::not_found);
  CHECK(resolve({Kind::none, ""}, dir.path(), {})->empty());
}

}  // namespace
}  // namespace flyt
