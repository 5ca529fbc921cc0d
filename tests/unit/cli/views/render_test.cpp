#include "cli/views/human/render.hpp"

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
  CHECK_THAT(text, Catch::Contains("· disk 0: root 00ff"));
  CHECK_THAT(text, Catch::Contains("1 of 2 machines landed, 1 failed.   flyt apply pilot.json"));
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
  for (const auto& line : render_progress(now, Style{true}, 40)) CHECK(width_of(line) <= 40);
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
