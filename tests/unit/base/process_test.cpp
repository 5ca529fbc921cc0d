#include "base/process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/poll.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

Command sh(std::string script) { return {{"sh", "-c", std::move(script)}}; }

TEST_CASE("a program runs to its end", "[process]") {
  const Finished done = run(sh("echo out; echo err >&2; exit 3"), {}).value();
  CHECK(done.status == 3);
  CHECK(done.output == "out\n");
  CHECK(done.errors == "err\n");
  CHECK(run(sh("kill -9 $$"), {})->status == 128 + SIGKILL);
}

TEST_CASE("a bad status is an error with the program's own words", "[process]") {
  CHECK(check(sh("true"), {}));
  const auto failed = check(sh("echo 'no such disk' >&2; exit 1"), {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().seen == "no such disk");
  CHECK(failed.error().what.find("status 1") != std::string::npos);
}

TEST_CASE("a program that is not there is named, with its package", "[process]") {
  CHECK(run({{"flyt-no-such-program"}}, {}).error().code == Errc::not_found);
  CHECK(run({{"/no/such/program"}}, {}).error().code == Errc::not_found);
  CHECK(Process::start({{"flyt-no-such-program"}}).error().code == Errc::not_found);
  CHECK(find_program("sh"));
  CHECK_FALSE(find_program("flyt-no-such-program"));
  CHECK_FALSE(find_program(""));
  CHECK_FALSE(find_program("/tmp"));
}

TEST_CASE("a program gets its environment, folder and input", "[process]") {
  const tests::TempDir dir;
  Command command = sh("echo $FLYT_A; pwd -P; cat");
  command.environment = {{"FLYT_A", "b c"}};
  command.folder = dir.path();
  command.input = "given";
  const Finished done = run(command, {}).value();
  CHECK(done.output == "b c\n" + std::filesystem::canonical(dir.path()).native() + "\ngiven");
  command.folder = dir / "missing";
  CHECK_FALSE(run(command, {}));
}

TEST_CASE("much goes in and out at the same time", "[process]") {
  Command command{{"cat"}};
  command.input.assign(3U << 20, 'x');
  CHECK(run(command, {})->output == command.input);
}

TEST_CASE("a program need not read its input", "[process]") {
  Command command{{"true"}};
  command.input.assign(3U << 20, 'x');
  CHECK(run(command, {})->status == 0);
}

TEST_CASE("only the end of a long standard error is kept, and output has a limit", "[process]") {
  const Finished done = run(sh("yes | head -c 300000 >&2; echo end >&2"), {}).value();
  CHECK(done.errors.size() == 65536);
  CHECK(done.errors.ends_with("end\n"));
  CHECK(run(sh("exec yes"), {}).error().code == Errc::invalid);
}

TEST_CASE("lines are told as they come", "[process]") {
  std::vector<std::string> lines;
  Command command = sh("printf 'a\\nb\\n\\nc'; printf 'x\\n' >&2");
  command.on_output = [&](std::string_view line) { lines.emplace_back(line); };
  std::string error_line;
  command.on_error = [&](std::string_view line) { error_line = line; };
  REQUIRE(run(command, {}));
  CHECK(lines == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(error_line == "x");
}

TEST_CASE("a stop ends the whole group of a program", "[process]") {
  std::stop_source source;
  std::string child;
  Command command = sh("trap '' TERM & sleep 1000 & echo $!; wait");
  command.on_output = [&](std::string_view line) {
    child = line;
    source.request_stop();
  };
  CHECK(run(command, {source.get_token()}).error().code == Errc::cancelled);
  // A killed orphan may be a zombie of init for a moment; it must not be asleep for 1000 s.
  const auto state = run(sh("ps -o stat= -p " + child), {});
  CHECK((state->output.empty() || state->output.front() == 'Z'));
  const Call late{{}, std::chrono::steady_clock::now() - std::chrono::hours(1)};
  CHECK(run(sh("true"), late).error().code == Errc::timed_out);
}

TEST_CASE("a deadline ends a program", "[process]") {
  const Call soon = Call{}.within(std::chrono::milliseconds(20));
  CHECK(run({{"sleep", "1000"}}, soon).error().code == Errc::timed_out);
}

TEST_CASE("what a program leaves behind is not waited for", "[process]") {
  const Finished done = run(sh("setsid sleep 1000 & echo $!"), {}).value();
  CHECK(done.status == 0);
  REQUIRE_FALSE(done.output.empty());
  (void)::kill(std::stoi(done.output), SIGKILL);
}

TEST_CASE("a program inherits no descriptor but the standard three", "[process]") {
  const int open = ::open("/dev/null", O_RDONLY);  // NOLINT: without O_CLOEXEC on purpose
  REQUIRE(open > 2);
  const Finished done = run({{"ls", "/proc/self/fd"}}, {}).value();
  ::close(open);
  CHECK(done.output == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_CASE("a program that stays is talked to line by line", "[process]") {
  Process process = Process::start({{"cat"}}).value();
  CHECK(process.running());
  REQUIRE(process.write("one\ntwo\nthr"));
  CHECK(process.read_line({}).value() == "one");
  CHECK(process.read_line({}).value() == "two");
  REQUIRE(process.write("ee"));
  process.close_input();
  CHECK(process.read_line({}).value() == "three");
  CHECK(process.read_line({}).value() == std::nullopt);
  CHECK(process.wait({}) == 0);
  CHECK_FALSE(process.running());
  CHECK(process.write("x").error().code == Errc::unavailable);
}

TEST_CASE("writing to a program that has ended is an error, not a signal", "[process]") {
  Process process = Process::start({{"true"}}).value();
  REQUIRE(process.wait({}) == 0);
  CHECK(process.write("x").error().code == Errc::unavailable);
}

TEST_CASE("a program that stays never waits for its standard error", "[process]") {
  Process process = Process::start(sh("yes | head -c 300000 >&2; echo end >&2; echo ok")).value();
  CHECK(process.read_line({}).value() == "ok");
  CHECK(process.wait({}) == 0);
  CHECK(process.errors().ends_with("end\n"));
  CHECK(process.errors().size() == 65536);
}

TEST_CASE("waiting has a deadline and leaves the program running", "[process]") {
  Process process = Process::start({{"sleep", "1000"}}).value();
  const Call soon = Call{}.within(std::chrono::milliseconds(5));
  CHECK(process.wait(soon).error().code == Errc::timed_out);
  CHECK(process.read_line(soon).error().code == Errc::timed_out);
  CHECK(process.running());
  CHECK(process.end(std::chrono::seconds(60)) == 128 + SIGTERM);
  CHECK(process.end(std::chrono::seconds(60)) == 128 + SIGTERM);
}

TEST_CASE("a program that will not end is killed", "[process]") {
  Process process =
      Process::start(sh("trap '' TERM; echo ready; while :; do sleep 1; done")).value();
  CHECK(process.read_line({}).value() == "ready");
  CHECK(process.end(std::chrono::milliseconds(5)) == 128 + SIGKILL);
}

TEST_CASE("a program outlives the thread that started it", "[process]") {
  std::optional<Process> process;
  std::thread starter([&] { process.emplace(Process::start({{"cat"}}).value()); });
  starter.join();
  REQUIRE(process->write("still here\n"));
  CHECK(process->read_line({}).value() == "still here");
  CHECK(process->end(std::chrono::seconds(60)).has_value());
}

TEST_CASE("starting from many threads at once mixes nothing up", "[process]") {
  std::array<std::string, 8> outputs;
  std::vector<std::thread> threads;
  for (std::size_t at = 0; at < outputs.size(); ++at) {
    threads.emplace_back([&outputs, at] {
      const auto done = run({{"echo", std::to_string(at)}}, {});
      if (done) outputs[at] = done->output;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t at = 0; at < outputs.size(); ++at)
    CHECK(outputs[at] == std::to_string(at) + "\n");
}

}  // namespace
}  // namespace flyt
