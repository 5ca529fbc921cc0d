#include "drivers/proxmox/api.hpp"

#include <fmt/format.h>

#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/proxmox_fake.hpp"

namespace flyt::proxmox {
namespace {

using tests::ProxmoxFake;

std::unique_ptr<ProxmoxFake> start() {
  auto fake = ProxmoxFake::start();
  if (!fake) FAIL(fake.error().what << ": " << fake.error().seen);
  return *std::move(fake);
}

Entry entry_of(const ProxmoxFake& fake) { return {fake.url(), {{}, fake.fingerprint()}}; }

Login token_of(const ProxmoxFake& fake, std::string value = {}) {
  const std::string& token = fake.token();
  if (value.empty()) value = token.substr(token.find('=') + 1);
  return {token.substr(0, token.find('=')), {}, [value](const Call&) -> Result<Secret> {
            return Secret(value);
          }};
}

Login password_of(const ProxmoxFake& fake) {
  return {{}, "root@pam", [text = fake.password()](const Call&) -> Result<Secret> {
            return Secret(text);
          }};
}

TEST_CASE("a token and a ticket both open the API", "[proxmox]") {
  const auto fake = start();
  for (const Login& login : {token_of(*fake), password_of(*fake)}) {
    Api api({entry_of(*fake)}, login);
    const auto body = api.get("/version", "asking", {});
    REQUIRE(body);
    CHECK(parse_row(*body, "asking")->text("version").starts_with("8.4"));
    // With a ticket a change takes a second token, too.
    CHECK(api.request(Method::post, "/pools", {{"poolid", login.user.empty() ? "a" : "b"}},
                      "making a pool", {}));
  }
}

TEST_CASE("a wrong token is refused with what to do", "[proxmox]") {
  const auto fake = start();
  Api api({entry_of(*fake)}, token_of(*fake, "11111111-2222-3333-4444-555555555555"));
  const auto body = api.get("/version", "asking", {});
  REQUIRE_FALSE(body);
  CHECK(body.error().code == Errc::denied);
  CHECK(body.error().what == "asking");
  CHECK(body.error().seen.find("invalid token value!") != std::string::npos);
  CHECK(body.error().seen.find("11111111") == std::string::npos);
}

TEST_CASE("a ticket that has run out is made anew", "[proxmox]") {
  const auto fake = start();
  Api api({entry_of(*fake)}, password_of(*fake));
  REQUIRE(api.get("/version", "asking", {}));
  fake->control("POST", "/expire");
  CHECK(api.get("/nodes", "asking", {}));
  fake->control("POST", "/expire");
  CHECK(api.request(Method::post, "/pools", {{"poolid", "late"}}, "making a pool", {}));
}

TEST_CASE("a node that cannot be reached is passed over, but no change is made twice",
          "[proxmox]") {
  const auto fake = start();
  Api api({{"https://127.0.0.1:1", {{}, fake->fingerprint()}}, entry_of(*fake)}, token_of(*fake));
  const auto lost = api.request(Method::post, "/pools", {{"poolid", "one"}}, "making a pool", {});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::unavailable);
  CHECK(api.request(Method::post, "/pools", {{"poolid", "one"}}, "making a pool", {}));

  Api looking({{"https://127.0.0.1:1", {{}, fake->fingerprint()}}, entry_of(*fake)},
              token_of(*fake));
  CHECK(looking.get("/version", "asking", {}));
  CHECK(looking.request(Method::post, "/pools", {{"poolid", "two"}}, "making a pool", {}));
}

TEST_CASE("all nodes away is an error that names the last", "[proxmox]") {
  Api api({{"https://127.0.0.1:1", {}}, {"https://127.0.0.1:2", {}}},
          {"a@pve!b", {}, [](const Call&) -> Result<Secret> { return Secret("x"); }});
  const auto body = api.get("/version", "asking", {});
  REQUIRE_FALSE(body);
  CHECK(body.error().code == Errc::unavailable);
}

TEST_CASE("a task that fails only in its end is an error with its last words", "[proxmox]") {
  const auto fake = start();
  fake->control("POST", "/faults",
                {{"task", "qmcreate"},
                 {"fail", "unable to create VM 100 - no luck"},
                 {"log", {"first line", "second line"}}});
  Api api({entry_of(*fake)}, token_of(*fake));
  const Status made =
      do_task(api, Method::post, "/nodes/pve1/qemu", {{"vmid", "100"}}, "making 100", {});
  REQUIRE_FALSE(made);
  CHECK(made.error().seen.find("no luck") != std::string::npos);
  CHECK(made.error().seen.find("second line") != std::string::npos);
}

TEST_CASE("a stop ends the wait for a slow task at once", "[proxmox]") {
  const auto fake = start();
  fake->control("POST", "/faults", {{"task", "qmcreate"}, {"slow", 60}});
  Api api({entry_of(*fake)}, token_of(*fake));
  const Call brief = Call{}.within(std::chrono::milliseconds(700));
  const Status made =
      do_task(api, Method::post, "/nodes/pve1/qemu", {{"vmid", "100"}}, "making 100", brief);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::timed_out);
  std::stop_source source;
  source.request_stop();
  const Status stopped = do_task(api, Method::post, "/nodes/pve1/qemu", {{"vmid", "101"}},
                                 "making 101", Call{source.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
}

}  // namespace
}  // namespace flyt::proxmox
