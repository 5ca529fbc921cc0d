// Programs that run as root for a user who is not, by a small sudo of ours.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view hidden = "[.as-nobody]";

// Becomes root, so that nobody may not signal it, and runs its arguments but for -n.
constexpr std::string_view little_sudo = R"(#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
  argv += argc > 1 && strcmp(argv[1], "-n") == 0 ? 2 : 1;
  if (setresuid(0, 0, 0) != 0) return 125;
  execvp(argv[0], argv);
  return 127;
}
)";

Status make_sudo(const fs::path& folder) {
  std::ofstream(folder / "sudo.c") << little_sudo;
  FLYT_TRY(check({{"cc", "-o", folder / "sudo", folder / "sudo.c"}}, {}));
  if (::chmod((folder / "sudo").c_str(), 04755) != 0) return system_error("chmod", errno);
  fs::copy_file(folder / "sudo", folder / "other");
  if (::chmod((folder / "other").c_str(), 04755) != 0) return system_error("chmod", errno);
  return ok();
}

Command as_nobody(const fs::path& folder, std::vector<std::string> argv) {
  std::vector<std::string> all = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  all.insert(all.end(), argv.begin(), argv.end());
  return {all, {{"PATH", folder.string() + ":" + std::getenv("PATH")}, {"PIDS", folder / "pids"}}};
}

// Writes its number down, which the test looks for afterwards, and then a line to us.
Command endless(const std::string& by) {
  return {{by, "sh", "-c", "echo $$ >> \"$PIDS\"; echo started; exec sleep 1000"}};
}

Result<Finished> run_until_started(Command command) {
  std::stop_source source;
  command.on_output = [&](std::string_view) { source.request_stop(); };
  return run(command, {source.get_token()});
}

Process started(const Command& command) {
  Process process = Process::start(command).value();
  REQUIRE(process.read_line({}).value() == "started");
  return process;
}

}  // namespace

TEST_CASE("as nobody: programs by sudo end, others are left and named", "[.as-nobody]") {
  CHECK(run_until_started(endless("sudo")).error().code == Errc::cancelled);
  CHECK(started(endless("sudo")).end(std::chrono::seconds(60)) == 128 + SIGTERM);
  const auto left = run_until_started(endless("other"));
  REQUIRE_FALSE(left);
  CHECK(left.error().code == Errc::cancelled);
  CHECK_THAT(left.error().state, Catch::Matchers::Contains("still runs"));
  CHECK(started(endless("other")).end(std::chrono::milliseconds(1)).error().code == Errc::denied);
}

TEST_CASE("root's programs are ended by sudo, or said to go on", "[process]") {
  if (::geteuid() != 0) FLYT_SKIP("only root can make a program that becomes root");
  if (!find_program("cc") || !find_program("setpriv")) FLYT_SKIP("cc and setpriv are needed");
  const PrivateFolder folder = PrivateFolder::make("flyt-sudo").value();
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  REQUIRE(make_sudo(folder.path()));
  const auto becomes = run(as_nobody(folder.path(), {folder.path() / "sudo", "id", "-u"}), {});
  if (!becomes || becomes->output != "0\n") FLYT_SKIP("no program can become root here");
  fs::copy_file("/proc/self/exe", folder.path() / "tests");
  REQUIRE(::chmod((folder.path() / "tests").c_str(), 0755) == 0);
  const auto done =
      run(as_nobody(folder.path(), {folder.path() / "tests", std::string(hidden)}), {});
  std::ifstream in(folder.path() / "pids");
  int pid = 0, alive = 0;
  while (in >> pid) alive += ::kill(pid, SIGKILL) == 0 ? 1 : 0;
  REQUIRE(done);
  INFO(done->output);
  CHECK(done->status == 0);
  CHECK(alive == 2);  // those of "other"; the first two are gone
}

}  // namespace flyt
