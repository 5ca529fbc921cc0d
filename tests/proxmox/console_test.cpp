// What machines say on their consoles, where nobody may log in on the nodes: heard by the API.
#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <thread>

#include "base/uri.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

using namespace std::chrono_literals;
using tests::told_whole;

constexpr std::string_view words = "hello from the guest\r\n";

// A boot sector that says so on the first serial port, five times a second for ever.
std::string speaking_sector() {
  // clang-format off
  constexpr std::array<unsigned char, 40> code{
      0x31, 0xc0, 0x8e, 0xd8,                    // start: xor ax,ax; mov ds,ax
      0xbe, 0x28, 0x7c,                          // mov si,text
      0xac, 0x84, 0xc0, 0x74, 0x11,              // next: lodsb; test al,al; jz pause
      0x88, 0xc3, 0xba, 0xfd, 0x03,              // mov bl,al; mov dx,0x3fd
      0xec, 0xa8, 0x20, 0x74, 0xfb,              // wait: in al,dx; test al,0x20; jz wait
      0xb2, 0xf8, 0x88, 0xd8, 0xee,              // mov dl,0xf8; mov al,bl; out dx,al
      0xeb, 0xea,                                // jmp next
      0xb4, 0x86, 0x31, 0xd2, 0xb9, 0x03, 0x00,  // pause: mov ah,0x86; xor dx,dx; mov cx,3
      0xcd, 0x15, 0xeb, 0xd8};                   // int 0x15; jmp start
  // clang-format on
  std::string sector(512, '\0');
  std::copy(code.begin(), code.end(), sector.begin());
  sector.replace(code.size(), words.size(), words);
  sector[510] = '\x55';
  sector[511] = '\xaa';
  return sector;
}

struct Stage : tests::ProxmoxStage {
  explicit Stage(std::vector<std::string> flags = {}) : ProxmoxStage({}, std::move(flags)) {
    fake->api("POST", "/nodes/pve1/qemu",
              {{"vmid", "123"},
               {"name", "speaker"},
               {"memory", "64"},
               {"kvm", "0"},
               {"serial0", "socket"},
               {"ide0", "data:1,format=raw"},
               {"boot", "order=ide0"}});
    const std::string path = fake->api("GET", "/nodes/pve1/storage/data/content/" +
                                                  percent_encode("data:123/vm-123-disk-0.raw"))
                                 .at("path");
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << speaking_sector();
  }
  void open(EndpointConfig config) {
    config.values["landing"] = "api";
    config.values.erase("ssh");
    config.values.erase("ssh_config");
    driver = connect(config);
  }
  ConsoleText read() const {
    auto said = driver->console("123", after, {});
    if (!said) FAIL(told_whole(said.error()));
    return *std::move(said);
  }
  // Until `holds`, for at most a minute; the last piece.
  ConsoleText read_until(const std::function<bool(const ConsoleText&)>& holds) {
    for (int i = 0; i < 600; ++i) {
      ConsoleText piece = read();
      after = piece.next;
      if (holds(piece)) return piece;
      std::this_thread::sleep_for(100ms);
    }
    FAIL("waited a minute for the console");
    return {};
  }
  void switch_on() const {
    const Status on = driver->set_power("123", Driver::PowerChange::on, {});
    if (!on) FAIL(told_whole(on.error()));
  }

  std::string after;
};

bool speaks(const ConsoleText& piece) { return piece.text.find(words) != std::string::npos; }

TEST_CASE("without SSH a console is heard by the API", "[proxmox]") {
  for (const std::string version : {"8.4", "9.1"}) {
    Stage stage({"--version", version});
    stage.open(version == "8.4" ? stage.as_user("root@pam", stage.fake->password())
                                : stage.fake->endpoint());
    stage.switch_on();
    const ConsoleText first = stage.read_until(speaks);
    CHECK(first.known);
    CHECK(first.text.find("OK") == std::string::npos);
    CHECK(first.text.find("serial terminal") == std::string::npos);  // Proxmox VE's own words
    stage.read_until(speaks);

    CHECK_FALSE(first.gap.empty());

    // A connection that breaks is made again, and the log goes on: what it had said counts.
    stage.fake->control("POST", "/cut", {{"vmid", 123}});
    stage.read_until([](const ConsoleText& one) { return one.text.empty(); });
    const ConsoleText again = stage.read_until(speaks);
    CHECK(again.known);
    CHECK_FALSE(again.anew);

    // Another start is heard, too.
    REQUIRE(stage.driver->set_power("123", Driver::PowerChange::forced_off, {}));
    stage.switch_on();
    stage.read_until([](const ConsoleText& one) { return one.anew; });
    stage.read_until(speaks);
  }
}

TEST_CASE("whoever begins to read a console of a machine that runs hears it from then on",
          "[proxmox]") {
  Stage stage({"--version", "9.1"});
  stage.open(stage.fake->endpoint());
  stage.fake->api("POST", "/nodes/pve1/qemu/123/status/start");
  CHECK_FALSE(stage.read().known);
  stage.read_until(speaks);
}

TEST_CASE("where SSH fails a console is heard by the API", "[proxmox]") {
  Stage stage({"--version", "9.1"});
  EndpointConfig config = stage.fake->endpoint();
  config.values["ssh"] = "nowhere.invalid";
  stage.driver = stage.connect(config);
  stage.switch_on();
  stage.read_until(speaks);
}

TEST_CASE("a console that may not be heard keeps no machine from starting, and says why",
          "[proxmox]") {
  SECTION("a token on 8.4") {
    Stage stage;
    stage.open(stage.fake->endpoint());
    stage.switch_on();
    const ConsoleText said =
        stage.read_until([](const ConsoleText& one) { return !one.unheard.empty(); });
    CHECK_FALSE(said.known);
    CHECK(said.unheard.find("takes no API token") != std::string::npos);
    const auto found = stage.driver->inventory({.findings = true, .target = true}, {});
    REQUIRE(found);
    const auto told = std::find_if(found->findings.begin(), found->findings.end(), [](auto& one) {
      return one.text.find("cannot hear consoles") != std::string::npos;
    });
    REQUIRE(told != found->findings.end());
    CHECK_FALSE(told->must);
  }
  SECTION("without VM.Console") {
    Stage stage({"--version", "9.1"});
    stage.fake->api("POST", "/access/roles",
                    {{"roleid", "Deaf"}, {"privs", "VM.Audit VM.PowerMgmt"}});
    stage.fake->api("POST", "/access/users", {{"userid", "deaf@pve"}, {"password", "pa55word"}});
    stage.fake->api("PUT", "/access/acl",
                    {{"path", "/"}, {"users", "deaf@pve"}, {"roles", "Deaf"}});
    stage.open(stage.as_user("deaf@pve", "pa55word"));
    stage.switch_on();
    const ConsoleText said =
        stage.read_until([](const ConsoleText& one) { return !one.unheard.empty(); });
    CHECK_FALSE(said.known);
    CHECK(said.unheard.find("VM.Console") != std::string::npos);
    const auto found = stage.driver->inventory({.findings = true, .target = true}, {});
    REQUIRE(found);
    const auto told = std::find_if(found->findings.begin(), found->findings.end(), [](auto& one) {
      return one.text.find("may not hear consoles") != std::string::npos;
    });
    REQUIRE(told != found->findings.end());
    CHECK_FALSE(told->must);
    CHECK(std::find(told->remedy.begin(), told->remedy.end(),
                    "pveum role add FlytConsole --privs \"VM.Console\"") != told->remedy.end());
  }
}

}  // namespace
}  // namespace flyt::proxmox
