#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "verifiers/verifier.hpp"

namespace {

using flyt::Answer;
using flyt::Basis;
using flyt::BootRecord;
using flyt::Power;
using flyt::Probe;

BootRecord on() {
  BootRecord record;
  record.last.emplace();
  record.last->power = Power::on;
  record.took = std::chrono::seconds{41};
  record.limit = std::chrono::seconds{180};
  return record;
}

BootRecord with_console(std::string text, std::string marker = {}) {
  BootRecord record = on();
  flyt::ConsoleReader reader(marker);
  reader.add({true, true, std::move(text)});
  record.console = reader.signs();
  record.marker = std::move(marker);
  return record;
}

flyt::ProbeResult probed(Probe::Kind kind, bool ok, std::string seen = "connection refused") {
  return {Probe{kind, kind == Probe::Kind::agent ? "" : "web01:443", 200}, ok, std::move(seen)};
}

const std::string panic = "booting\r\n[    2.1] Kernel panic - not syncing: no root\r\n";

}  // namespace

TEST_CASE("Boot passes when it is on and every probe is green", "[verifiers]") {
  BootRecord record = on();
  record.probes = {probed(Probe::Kind::tcp, true, "connected"), probed(Probe::Kind::agent, false)};
  record.last->agent = true;
  const auto verdict = flyt::judge_boot(record, "2026-11-24T01:00:00Z");
  CHECK(verdict.question == flyt::Question::boot);
  CHECK(verdict.answer == Answer::pass);
  CHECK(verdict.basis == Basis::measured);
  CHECK(verdict.value == "41 s");
  CHECK(verdict.why == "powered on, 2 of 2 probes green");
  CHECK(flyt::boot_settled(record));
}

TEST_CASE("Boot fails when a probe is not green, and quotes the console", "[verifiers]") {
  BootRecord record = with_console(panic);
  record.probes = {probed(Probe::Kind::tcp, false)};
  const auto verdict = flyt::judge_boot(record, "");
  CHECK(verdict.answer == Answer::fail);
  CHECK(verdict.value.empty());
  CHECK(verdict.why ==
        "tcp web01:443: connection refused (waited 41 s); console: "
        "\"[    2.1] Kernel panic - not syncing: no root\"");
  CHECK_FALSE(flyt::boot_settled(record));  // it may still come up

  record.probes = {probed(Probe::Kind::agent, true)};
  record.last->agent = false;  // the observation decides, not the probe
  CHECK(flyt::judge_boot(record, "").answer == Answer::fail);
}

TEST_CASE("An agent that cannot be asked leaves boot unverified", "[verifiers]") {
  BootRecord record = on();
  record.probes = {probed(Probe::Kind::tcp, true), probed(Probe::Kind::agent, false)};
  const auto verdict = flyt::judge_boot(record, "");
  CHECK(verdict.answer == Answer::unverified);
  CHECK_THAT(verdict.why, Catch::Matchers::Contains("no channel to the guest agent"));
  record.probes[0].ok = false;
  CHECK(flyt::judge_boot(record, "").answer == Answer::fail);
}

TEST_CASE("Without probes the agent or the console decides", "[verifiers]") {
  struct Case {
    std::string name;
    BootRecord record;
    Answer answer;
    std::string why;
    bool settled;
  };
  BootRecord agent = on();
  agent.last->agent = true;
  BootRecord silent = on();
  silent.last->agent = false;
  std::vector<Case> cases;
  cases.push_back({"agent", agent, Answer::pass, "the guest agent answers", true});
  cases.push_back({"nothing to ask", on(), Answer::unverified, "no probe is declared", true});
  cases.push_back({"agent may come", silent, Answer::unverified, "no probe is declared", false});
  cases.push_back({"default marker", with_console("Debian 12\nweb01 login: "), Answer::pass,
                   "console says \"login:\"", true});
  cases.push_back({"site's marker", with_console("READY 4711", "READY"), Answer::pass,
                   "console says \"READY\"", true});
  cases.push_back({"site's marker instead of the default", with_console("login:", "READY"),
                   Answer::fail, "\"READY\" did not appear", false});
  cases.push_back({"quiet console", with_console(""), Answer::unverified, "no probe", false});
  cases.push_back(
      {"panic", with_console(panic), Answer::fail, "Kernel panic - not syncing", false});
  cases.push_back({"initramfs",
                   with_console("ALERT!  UUID=1 does not exist.  Dropping to a shell!"),
                   Answer::fail, "ALERT!  UUID=1 does not exist", false});
  cases.push_back({"emergency", with_console("You are in emergency mode. After"), Answer::fail,
                   "You are in emergency mode", false});
  cases.push_back({"an older boot's panic", with_console(panic + "web01 login: "), Answer::pass,
                   "login:", true});
  cases.push_back({"panic after the prompt", with_console("web01 login: \n" + panic), Answer::fail,
                   "Kernel panic", false});
  for (const Case& one : cases) {
    INFO(one.name);
    const auto verdict = flyt::judge_boot(one.record, "");
    CHECK(verdict.answer == one.answer);
    CHECK_THAT(verdict.why, Catch::Matchers::Contains(one.why));
    CHECK(flyt::boot_settled(one.record) == one.settled);
  }
}

TEST_CASE("A declared marker must appear, whatever else is green", "[verifiers]") {
  BootRecord probed_only = with_console("booting", "READY");
  probed_only.probes = {probed(Probe::Kind::tcp, true, "connected")};
  BootRecord agent_only = with_console("booting", "READY");
  agent_only.last->agent = true;
  for (BootRecord record : {probed_only, agent_only}) {
    const auto silent = flyt::judge_boot(record, "");
    CHECK(silent.answer == Answer::fail);
    CHECK(silent.why == "\"READY\" did not appear on the console within 41 s");
    CHECK(silent.value.empty());
    CHECK_FALSE(flyt::boot_settled(record));

    record.marker_seen_before = true;  // and the console does not go back so far
    const auto later = flyt::judge_boot(record, "");
    CHECK(later.answer == Answer::pass);
    CHECK_THAT(later.why, Catch::Matchers::Contains("seen at the first start"));

    record.marker_seen_before = false;
    record.console.marker_seen = true;
    const auto seen = flyt::judge_boot(record, "");
    CHECK(seen.answer == Answer::pass);
    CHECK_THAT(seen.why, Catch::Matchers::Contains("the console says \"READY\""));
    CHECK(flyt::boot_settled(record));

    record.console = {};
    const auto blind = flyt::judge_boot(record, "");
    CHECK(blind.answer == Answer::unverified);
    CHECK_THAT(blind.why, Catch::Matchers::Contains("no console"));

    flyt::ConsoleReader deaf("READY");
    deaf.add({.unheard = "VM.Console is missing"});
    record.console = deaf.signs();
    const auto told = flyt::judge_boot(record, "");
    CHECK(told.answer == Answer::unverified);
    CHECK_THAT(told.why, Catch::Matchers::EndsWith("could be seen: VM.Console is missing"));
    CHECK(flyt::boot_settled(record));  // nothing to wait for

    flyt::ConsoleReader late("READY");
    late.add({.known = true, .text = "...", .gap = "nobody listened when it was switched on"});
    record.console = late.signs();
    const auto partly = flyt::judge_boot(record, "");
    CHECK(partly.answer == Answer::unverified);
    CHECK_THAT(partly.why, Catch::Matchers::EndsWith("nobody listened when it was switched on"));
  }
  BootRecord nothing = with_console("", "READY");
  nothing.marker_seen_before = true;
  const auto verdict = flyt::judge_boot(nothing, "");
  CHECK(verdict.answer == Answer::unverified);
  CHECK_THAT(verdict.why, Catch::Matchers::Contains("seen at the first start"));
}

TEST_CASE("Power decides before anything else", "[verifiers]") {
  BootRecord off = with_console(panic);
  off.last->power = Power::off;
  off.probes = {probed(Probe::Kind::tcp, true)};
  const auto verdict = flyt::judge_boot(off, "");
  CHECK(verdict.answer == Answer::fail);
  CHECK(verdict.basis == Basis::platform);
  CHECK_THAT(verdict.why, Catch::Matchers::StartsWith("the machine is off after 41 s; console:"));
  CHECK(flyt::boot_settled(off));

  BootRecord suspended = on();
  suspended.last->power = Power::suspended;
  CHECK(flyt::judge_boot(suspended, "").answer == Answer::fail);
  CHECK(flyt::boot_settled(suspended));
  BootRecord unknown = on();
  unknown.last->power = Power::unknown;
  CHECK(flyt::judge_boot(unknown, "").answer == Answer::unverified);
}

TEST_CASE("A platform that does not answer proves nothing", "[verifiers]") {
  BootRecord record;
  record.probes = {probed(Probe::Kind::tcp, false)};
  const auto verdict = flyt::judge_boot(record, "");
  CHECK(verdict.answer == Answer::unverified);
  CHECK(verdict.basis == Basis::none);
  CHECK_FALSE(flyt::boot_settled(record));
}
