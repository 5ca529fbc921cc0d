#include "cli/views/human/render.hpp"

#include "cli/views/csv/csv.hpp"
#include "cli/views/human/progress.hpp"
#include "tests/catch.hpp"

using namespace flyt;
using namespace flyt::cli;

namespace {

void check_widths(const std::string& text) {
  for (const auto& line : wrap(text, 100000)) {
    CAPTURE(line);
    CHECK(width_of(line) <= widest_line);
  }
}

}  // namespace

TEST_CASE("an error says what, seen, why, state and do, each where there is something",
          "[cli][views]") {
  const Error error{.code = Errc::unavailable,
                    .what = "web01: disk 0: vcenter refuses to read it",
                    .seen = "HTTP 500",
                    .why = "another program holds the disk",
                    .state = "nothing is lost",
                    .remedy = {"wait for the backup, then:", "flyt apply pilot.json"}};
  CHECK(render_error("flyt: apply", error, Style{}) ==
        "flyt: apply: web01: disk 0: vcenter refuses to read it\n"
        "  seen   HTTP 500\n"
        "  why    another program holds the disk\n"
        "  state  nothing is lost\n"
        "  do     wait for the backup, then:\n"
        "         flyt apply pilot.json\n");
  CHECK(render_error("flyt", Error{.what = "no"}, Style{}) == "flyt: no\n");
}

TEST_CASE("a platform's words cannot steer the terminal, and long ones are wrapped",
          "[cli][views]") {
  Error error{.what = "a\x1b[2J", .seen = std::string(40, 'x')};
  for (int at = 0; at < 10; ++at) error.seen += " " + std::string(20, 'y');
  const auto text = render_error("flyt", error, Style{});
  CHECK(text.find('\x1b') == std::string::npos);
  check_widths(text);
}

TEST_CASE("the report shows every machine, what is not PASS below it, and what to type",
          "[cli][views]") {
  Plan plan;
  MachineOutcome good{.migration_id = "flyt-a", .name = "web01", .state = MachineState::landed};
  good.verdicts = {{.question = Question::bytes,
                    .answer = Answer::pass,
                    .basis = Basis::measured,
                    .why = "all blocks equal",
                    .evidence = {"disk 0: root 00ff"}},
                   {.question = Question::place, .answer = Answer::pass, .value = "DK"}};
  good.record = {"disk 0: 38 MiB copied", "converted by virt-v2v-in-place 2.2.0"};
  MachineOutcome bad{.migration_id = "flyt-b", .name = "file02", .state = MachineState::failed};
  bad.verdicts = {{.question = Question::boot,
                   .answer = Answer::fail,
                   .basis = Basis::measured,
                   .why = "no answer from tcp://10.1.20.31:445 within 120 s"}};
  bad.error = Error{.what = "it does not live", .remedy = {"flyt undo file02"}};
  const Report report{
      .plan = &plan, .file = "pilot.json", .outcomes = {good, bad}, .status = ExitStatus::failed};
  const auto text = render_report(report, Style{});
  check_widths(text);
  CHECK_THAT(text, Catch::Contains("machine  state   bytes  boot  place    operator  owner\n"
                                   "web01    landed  PASS   -     PASS DK  -         -\n"
                                   "file02   failed  -      FAIL  -        -         -\n"));
  CHECK_THAT(text, Catch::Contains("  ✗ file02 boot: no answer from tcp://10.1.20.31:445"));
  CHECK_THAT(text, Catch::Contains("      do     flyt undo file02\n"));
  CHECK_THAT(text, Catch::Contains("\nweb01   flyt-a\n"
                                   "  · disk 0: 38 MiB copied\n"
                                   "  · converted by virt-v2v-in-place 2.2.0\n"
                                   "  bytes     all blocks equal (measured)\n"
                                   "            · disk 0: root 00ff\n"));
  CHECK_THAT(text, Catch::Contains("1 of 2 machines landed, 1 failed.   flyt apply pilot.json"));
}

namespace {

// U+202E, which turns the direction of what follows.
const std::string turning{'\xe2', '\x80', '\xae'};

// What a hostile platform could call anything; long, so that it must be shortened too.
const std::string& evil() {
  static const std::string text =
      "\x1b[2J\nforged: landed\n" + turning + "\x9b" + std::string(300, 'x');
  return text;
}

// One line stays one line, and nothing of it reaches the terminal as it is.
void check_tame(const std::string& text) {
  CAPTURE(one_line(text));
  CHECK(text.find_first_of("\x1b\x9b") == std::string::npos);
  CHECK(text.find(turning) == std::string::npos);
  CHECK(text.find("\nforged") == std::string::npos);
}

}  // namespace

TEST_CASE("no name, code, address or remedy of a platform steers the terminal or forges a line",
          "[cli][views]") {
  const Style plain{};
  const Concern concern{evil(), Severity::blocker, evil(), evil(), evil()};
  const Verdict verdict{Question::place, Answer::fail, Basis::platform, evil(),
                        evil(),          {evil()},     evil()};
  const Error error{.what = evil(), .remedy = {evil()}};
  check_tame(render_concerns(std::vector{concern}, plain));
  Machine named;
  named.name = named.id = named.folder = named.guest.name = evil();
  const Assessment assessment{evil(), {{&named, {concern}}}};
  check_tame(render_assessment(assessment, plain));
  check_tame(assessment_csv(assessment));
  check_tame(render_error(evil(), error, plain));
  check_tame(render_verdicts(std::vector{verdict}, "  ", plain));

  Inventory inventory;
  inventory.endpoint = inventory.platform = evil();
  inventory.notes = {evil()};
  inventory.volumes = {{.id = "v",
                        .name = evil(),
                        .storage = evil(),
                        .kind = evil(),
                        .format = evil(),
                        .migration_id = evil()}};
  inventory.machines.resize(1);
  inventory.machines[0].name = evil();
  inventory.rules = {{evil(), evil(), AffinityKind::apart, true, {""}, {}}};
  check_tame(render_inventory(inventory, plain));
  check_widths(
      render_inventory({.machines = inventory.machines, .volumes = inventory.volumes}, plain));
  inventory.volumes[0].storage = "storage-id";
  inventory.storages = {{.id = "storage-id", .name = "default"}};
  const std::string shown = render_inventory(inventory, plain);
  CHECK(shown.find("storage-id") == std::string::npos);
  CHECK(shown.find("default") != std::string::npos);
  CheckReport check{.site_name = evil(), .state = evil()};
  check.endpoints = {{.endpoint = evil(),
                      .driver = evil(),
                      .error = error,
                      .ground = {verdict},
                      .findings = {{evil(), {evil()}}}}};
  check_tame(render_check(check, plain));

  Plan plan;
  plan.source = plan.target = plan.site_name = evil();
  plan.machines.resize(1);
  auto& planned = plan.machines[0];
  planned.source.name = planned.migration_id = planned.spec.name = planned.convert_why = evil();
  planned.spec.disks = {{.storage = evil(), .format = evil()}};
  planned.spec.nics = {{.mac = evil(), .network = evil(), .model = evil()}};
  planned.facts = {{Fact::Kind::pinned, evil(), evil(), evil()}};
  plan.waves = {{evil(), {evil()}}};
  check_tame(render_plan(plan, evil(), plain));
  check_tame(render_plan_summary(plan, evil(), plain));

  MachineOutcome outcome{.migration_id = evil(),
                         .name = evil(),
                         .verdicts = {verdict},
                         .error = error,
                         .record = {evil()}};
  check_tame(render_report({.plan = &plan, .file = evil(), .outcomes = {outcome}}, plain));
  check_tame(render_undo({.file = evil(), .actions = {{evil(), evil(), evil()}}}, plain));
  ProgressSnapshot now;
  now.machines = {{.name = evil(), .state = MachineState::failed, .step = evil()}};
  for (const auto& line : render_progress(now, plain, 80)) {
    check_tame(line);
    CHECK(width_of(line) <= 80);
  }
}

TEST_CASE("concerns come with what to do, once, and how to ask for more", "[cli][views]") {
  const std::string sentence = "resume it, then shut it down";
  std::vector<Concern> concerns = {
      {"X-OWN", Severity::blocker, "db01", "it is not ours", ""},
      {"M-SUSPENDED", Severity::blocker, "web01", "it is suspended", sentence},
      {"M-SUSPENDED", Severity::blocker, "web02", "it is suspended", sentence},
      {"M-NIC-MAC", Severity::warning, "web03", "it has no MAC", "flyt inventory"}};
  const auto text = render_concerns(concerns, Style{});
  const auto at = text.find("  do     resume it, then shut it down\n");
  REQUIRE(at != std::string::npos);
  CHECK(at < text.find("web02"));
  CHECK(text.find(sentence, at + 12) == std::string::npos);
  CHECK_THAT(text, Catch::Contains("  do     flyt inventory\n"));
  CHECK(render_explain_hint(concerns, Style{}) ==
        "  flyt assess --explain M-SUSPENDED tells what can be done.\n");
  concerns.resize(1);
  CHECK(render_explain_hint(concerns, Style{}).empty());
}

TEST_CASE("a concern code of any length leaves room for the text", "[cli][views]") {
  const std::vector<Concern> concerns = {
      {std::string(200, 'C'), Severity::warning, std::string(300, 'n'), "what is so", ""}};
  const auto text = render_concerns(concerns, Style{});
  CHECK_THAT(text, Catch::Contains("what is so"));
  check_widths(text);
}

TEST_CASE("the report tells what is left on the source, and how to go on", "[cli][views]") {
  Plan plan;
  Report report{.plan = &plan,
                .file = "my plan.json",
                .outcomes = {{.name = "web01", .state = MachineState::stopped}},
                .until = Until::copied,
                .status = ExitStatus::stopped,
                .stopped = true};
  CHECK_THAT(render_report(report, Style{}),
             Catch::EndsWith("1 stopped.   flyt apply 'my plan.json' --until copied\n"
                             "Nothing on the source is changed.\n"));
  report.views_left = 2;
  CHECK_THAT(render_report(report, Style{}),
             Catch::EndsWith("Nothing on the source is changed but 2 snapshots of ours.   "
                             "flyt undo 'my plan.json' puts it right.\n"));
  report.shut_down = 1;
  CHECK_THAT(render_report(report, Style{}),
             Catch::Contains("but 2 snapshots of ours, 1 machine shut down."));
}

TEST_CASE("verdicts of an earlier command say of when they are", "[cli][views]") {
  Plan plan;
  MachineOutcome outcome{.name = "web01", .state = MachineState::landed};
  outcome.verdicts = {{.answer = Answer::pass,
                       .basis = Basis::measured,
                       .why = "identical",
                       .at = "2026-11-24T20:15:03Z"}};
  Report report{.plan = &plan, .file = "p", .outcomes = {outcome}};
  report.earlier = {{"", Question::bytes}};
  const auto before = render_report(report, Style{});
  CHECK_THAT(before, Catch::Contains("identical (measured, as of 2026-11-24T20:15:03Z)"));
  CHECK_THAT(before, Catch::Contains("\n  1 machine was judged earlier; the verdicts are as of"));
  report.earlier.clear();
  const auto now = render_report(report, Style{});
  CHECK_THAT(now, Catch::Contains("identical (measured, 2026-11-24T20:15:03Z)"));
  CHECK_THAT(now, !Catch::Contains("judged earlier"));
}

TEST_CASE("progress fits the terminal and tells bytes, rate and time", "[cli][views]") {
  ProgressSnapshot now;
  now.done = 25ULL << 30;
  now.total = 100ULL << 30;
  now.rate = 256.0 * (1 << 20);
  now.machines = {{.name = "web01",
                   .state = MachineState::running,
                   .step = "copy:0",
                   .done = 25ULL << 30,
                   .total = 50ULL << 30},
                  {.name = "db01", .state = MachineState::waiting}};
  const auto lines = render_progress(now, Style{}, 100);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "█████░░░░░░░░░░░░░░░  25 %   25 GiB of 100 GiB   256 MiB/s   about 5 min");
  CHECK_THAT(lines[1], Catch::Contains("web01"));
  CHECK_THAT(lines[1], Catch::Contains(" 50 %   25 GiB of 50 GiB   copy:0"));
  now.machines[0].rate = 112.0 * (1 << 20);
  CHECK_THAT(render_progress(now, Style{}, 100)[1],
             Catch::Contains(" 50 %   25 GiB of 50 GiB   112 MiB/s   about 4 min   copy:0"));
  for (const std::size_t width : {40, 45, 60, 80}) {
    CAPTURE(width);
    const auto narrow = render_progress(now, Style{true}, width);
    CHECK_THAT(narrow[0], Catch::Contains("25 %") && Catch::Contains("   256 MiB/s   about 5 min"));
    CHECK_THAT(narrow[1], Catch::Contains("50 %") && Catch::Contains("   112 MiB/s   about 4 min"));
    for (const auto& line : narrow) CHECK(width_of(line) <= width);
  }
}

TEST_CASE("the end of a machine is told once, with why", "[cli][views]") {
  struct Told : ProgressStatus {
    using ProgressStatus::ProgressStatus;
    std::vector<std::string> all;
    void on_machine(const MachineProgress& machine) override {
      all.push_back(std::string(to_string(machine.state)) + ":" + machine.step);
    }
  };
  Plan plan;
  plan.machines.resize(1);
  Told told(plan);
  for (const auto* what : {"copy:0", "copy:1"}) {
    told.machine(plan.machines[0], MachineState::running, what);
  }
  for (const auto* what : {"it broke", "it broke", ""}) {
    told.machine(plan.machines[0], MachineState::failed, what);
  }
  CHECK(told.all ==
        std::vector<std::string>{"running:copy:0", "running:copy:1", "failed:it broke"});
  CHECK(told.snapshot().machines[0].step == "it broke");
}

TEST_CASE("speed is of the last seconds, and begins anew with a step", "[cli][views]") {
  using std::chrono::seconds;
  const std::chrono::steady_clock::time_point zero{};
  Speed speed;
  CHECK(speed.at(0, zero) == 0);
  CHECK(speed.at(1000, zero + seconds(10)) == 100);
  CHECK(speed.at(3000, zero + seconds(20)) == 200);
  CHECK(speed.at(10, zero + seconds(21)) == 0);
  CHECK(speed.at(40, zero + seconds(22)) == 30);
}

TEST_CASE("bytes of copies are counted over all machines, a step that is tried again anew",
          "[cli][views]") {
  Plan plan;
  plan.machines.resize(2);
  plan.machines[0].migration_id = "flyt-a";
  plan.machines[0].copy_bytes = 100;
  plan.machines[1].migration_id = "flyt-b";
  plan.machines[1].copy_bytes = 50;
  ProgressStatus status(plan);
  CHECK(status.snapshot().total == 150);
  status.machine(plan.machines[0], MachineState::running, "copy");
  auto& sink = status.step(plan.machines[0], "copy:0");
  sink.total(200);
  sink.advance(120);
  auto& other = status.step(plan.machines[0], "copy:1");
  other.total(10);
  other.advance(10);
  auto now = status.snapshot();
  CHECK(now.total == 260);
  CHECK(now.done == 130);
  CHECK(now.machines[0].done == 130);
  status.step(plan.machines[0], "copy:0").total(200);
  CHECK(status.snapshot().done == 10);
  auto& read_back = status.step(plan.machines[0], "read_back:0");
  read_back.total(7);
  read_back.advance(3);
  now = status.snapshot();
  CHECK(now.total == 260);
  CHECK(now.machines[0].done == 3);
  CHECK(now.machines[0].total == 7);
}

namespace {

Plan pilot() {
  PlannedMachine web;
  web.migration_id = "flyt-a";
  web.source.name = "web01";
  web.source.disks = {{.id = "d0",
                       .label = "Hard disk 1",
                       .used_bytes = 3ULL << 30,
                       .bus = Bus::scsi,
                       .storage = "datastore1",
                       .format = "vmdk-stream"}};
  web.source.nics = {{.network = "VM Network", .model = "E1000"}};
  web.spec.name = "web-1";
  web.spec.memory_bytes = 2ULL << 30;
  web.spec.disks = {
      {.size_bytes = 8ULL << 30, .bus = Bus::virtio_blk, .storage = "fast", .format = "qcow2"}};
  web.spec.nics = {{.mac = "52:54:00:00:00:01", .network = "br0", .vlan = 120, .model = "virtio"}};
  web.convert = true;
  web.convert_why = "its disks are on LSI Logic";
  web.probes = {{Probe::Kind::tcp, "web01:443"}};
  web.facts = {{Fact::Kind::pinned, "source disk 0", "size_bytes", "8589934592"},
               {Fact::Kind::bounded, "target storage fast", "free_bytes", "8589934592"}};
  Plan plan;
  plan.source = "export";
  plan.target = "kvm";
  plan.site_name = "Guldborgsund";
  plan.machines = {web};
  plan.waves = {{"1", {"flyt-a"}}};
  plan.estimate = {8ULL << 30, 3ULL << 30, std::chrono::minutes(1), std::chrono::minutes(2),
                   std::chrono::minutes(4)};
  plan.ground = {{.question = Question::place, .answer = Answer::pass, .value = "DK"},
                 {.question = Question::operator_,
                  .answer = Answer::unverified,
                  .why = "the registry is 14 months old"}};
  plan.concerns = {
      {"V-RDM", Severity::blocker, "sql-old", "RDM disk", ""},
      {"V-DC", Severity::warning, "dc1",
       "a domain controller: VM-GenerationID will be kept, start it only once, and not before its "
       "old self is off for good",
       ""}};
  return plan;
}

}  // namespace

TEST_CASE("a plan's summary tells what, where, how long, whether it is allowed, and what to type",
          "[cli][views]") {
  const auto text = render_plan_summary(pilot(), "pilot.json", Style{});
  check_widths(text);
  CHECK_THAT(text, Catch::StartsWith("1 machine, 3 GiB used of 8 GiB, export → kvm (DK)\n"
                                     "  1 wave   copy about 2 min (60 s to 4 min)\n"
                                     "  policy: not all of it could be verified\n"));
  CHECK_THAT(text, Catch::Contains("BLOCKED  sql-old  RDM disk"));
  CHECK(text.find("BLOCKED") < text.find("warning  dc1"));
  CHECK_THAT(text, Catch::EndsWith("  flyt show pilot.json          flyt apply pilot.json\n"));
  CHECK_THAT(render_plan_summary(pilot(), "", Style{}), Catch::Contains("no plan was written"));
}

TEST_CASE("a plan tells how much lands while its source is off", "[cli][views]") {
  Plan plan = pilot();
  plan.estimate.land_bytes = 2ULL << 30;
  plan.estimate.land = std::chrono::seconds(40);
  for (const auto& text : {render_plan_summary(plan, "pilot.json", Style{}),
                           render_plan(plan, "pilot.json", Style{})}) {
    check_widths(text);
    CHECK_THAT(text, Catch::Contains(", 40 s of it with the source off"));
  }
}

TEST_CASE("a plan is shown for review with all that will be made of a machine", "[cli][views]") {
  const auto text = render_plan(pilot(), "pilot.json", Style{});
  check_widths(text);
  for (const auto* part :
       {"web01 → web-1", "Hard disk 1", "scsi → virtio-blk", "datastore1 → fast",
        "vmdk-stream → qcow2", "VM Network → br0 vlan 120", "E1000 → virtio",
        "convert   yes: its disks are on LSI Logic", "alive     tcp web01:443, within 3 min",
        "pinned    source disk 0 size_bytes 8589934592", "at least  target storage fast free_bytes",
        "the registry is 14 months old", "flyt apply pilot.json"}) {
    CHECK_THAT(text, Catch::Contains(part));
  }
}

TEST_CASE("undo tells what is only listed, done or refused, and what to type", "[cli][views]") {
  UndoReport report{.file = "my plan.json",
                    .actions = {{"web01", "drop view flyt-1 of web01", ""},
                                {"web01", "destroy web-1 on kvm", "it has been started"}},
                    .options = {.target = true}};
  const std::string at_all = "flyt undo 'my plan.json' --target --started --yes\n";
  CHECK_THAT(render_undo(report, Style{}),
             Catch::EndsWith("1 to do, 1 refused. Nothing was done.\n"
                             "  To do it: flyt undo 'my plan.json' --target --yes\n"
                             "  To do what is refused too: " +
                             at_all));
  report.done = true;
  const auto text = render_undo(report, Style{});
  CHECK_THAT(text, Catch::Contains("✓ drop view flyt-1 of web01"));
  CHECK_THAT(text, Catch::Contains("✗ destroy web-1 on kvm\n      it has been started"));
  CHECK_THAT(text, Catch::EndsWith("1 undone, 1 refused.\n  To do what is refused too: " + at_all));
  report.done = false;
  report.actions.erase(report.actions.begin());
  CHECK_THAT(render_undo(report, Style{}), Catch::EndsWith("0 to do, 1 refused. Nothing was done.\n"
                                                           "  To do what is refused too: " +
                                                           at_all));
  report.options.started = true;
  report.actions.front().refused.clear();
  CHECK_THAT(render_undo(report, Style{}),
             Catch::EndsWith("Nothing was done.\n  To do it: " + at_all));
  CHECK(render_undo({}, Style{}) == "nothing to undo: nothing of this plan is left\n");
}
