#include "tests/faults/landing_fixture.hpp"

#include <filesystem>

#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"

namespace flyt::tests {

namespace fs = std::filesystem;

Call soon() { return Call{}.within(std::chrono::seconds{60}); }

const LandingHost& here() {
  static const LandingHost host = *landing_host("local");
  return host;
}

std::vector<LandingHost> landing_hosts() {
  static const auto far = SshHost::start();  // one for all tests of the program
  if (!far && far.error().code != Errc::unsupported) {
    FAIL(far.error().what << ": " << far.error().seen);
  }
  std::vector<LandingHost> hosts{here()};
  if (far) hosts.push_back(*landing_host("ssh:root@far", (*far)->config()));
  return hosts;
}

std::string missing_for_landing() {
  for (const char* program : {"qemu-nbd", "flock"}) {
    if (!find_program(program)) return std::string("needs ") + program;
  }
  return "";
}

Process opening_child(const std::string& name, const std::string& path,
                      std::vector<std::pair<std::string, std::string>> environment) {
  environment.emplace_back("FLYT_TEST_DISK", path);
  auto child = Process::start({{"/proc/self/exe", name}, std::move(environment)});
  REQUIRE(child);
  std::string said;
  while (said.rfind("opened ", 0) != 0) {
    auto line = child->read_line(soon());
    REQUIRE(line);
    REQUIRE(*line);
    said = **line;
  }
  REQUIRE(said == "opened ok");
  REQUIRE(processes("qemu-nbd", path).size() == 1);
  return std::move(*child);
}

std::string make_disk(const TempDir& dir, const std::string& format) {
  std::string path = dir / ("disk." + format);
  REQUIRE(check({{"qemu-img", "create", "-q", "-f", format, path, "4M"}}, soon()));
  return path;
}

LandingDisk disk_at(const std::string& path, Use use, const Owner& owner) {
  LandingDisk disk{"web01: disk 0", path, fs::path(path).extension().string().substr(1), use,
                   owner};
  disk.shared = true;
  return disk;
}

Opened open(const LandingHost& host, const std::string& path, Use use, const Owner& owner) {
  return open_landing(host, disk_at(path, use, owner), soon());
}

std::string io(const Channel& channel, const std::string& command) {
  std::vector<std::string> argv{"qemu-io", "-f", "raw", "-c", command, channel.info().uri};
  if (command.rfind("read", 0) == 0) argv.insert(argv.begin() + 1, "-r");
  const auto done = run({argv}, soon());
  if (!done) return done.error().what;
  const bool failed = done->status != 0 || done->output.find("ailed") != std::string::npos ||
                      done->output.find("not ") != std::string::npos;
  return failed ? "failed: " + done->output + done->errors : "ok";
}

namespace {

// The arguments of each process whose program has this name and whose arguments name `path`.
std::vector<std::pair<pid_t, std::string>> command_lines(const std::string& program,
                                                         const std::string& path) {
  std::vector<std::pair<pid_t, std::string>> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/proc", failed)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto line = read_file(entry.path() / "cmdline", mib);
    if (!line) continue;  // it has ended meanwhile
    const std::string name = fs::path(line->substr(0, line->find('\0'))).filename();
    if (name == program && line->find(path) != std::string::npos) {
      found.emplace_back(std::stoi(pid), *line);
    }
  }
  return found;
}

}  // namespace

std::vector<pid_t> processes(const std::string& program, const std::string& path) {
  std::vector<pid_t> pids;
  for (const auto& [pid, line] : command_lines(program, path)) pids.push_back(pid);
  return pids;
}

std::vector<pid_t> supervisors(const std::string& path) {
  std::vector<pid_t> pids;
  for (const auto& [pid, line] : command_lines("sh", path)) {
    if (line.find("sh\0-c\0", 1, 6) == std::string::npos) pids.push_back(pid);
  }
  return pids;
}

bool becomes_free(const std::string& path) {
  const Call call = soon();
  while (!processes("qemu-nbd", path).empty() || !processes("sh", path).empty()) {
    if (!wait(std::chrono::milliseconds{20}, call, "waiting for an end")) return false;
  }
  return true;
}

std::vector<std::string> kept_of(const std::string& path) {
  const auto stated = check({{"stat", "-L", "-c", "f-%d-%i.", path}}, soon());
  REQUIRE(stated);
  const std::string start = stated->output.substr(0, stated->output.find('\n'));
  std::vector<std::string> kept;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/run/flyt", failed)) {
    std::string name = entry.path().filename();
    if (name.rfind(start, 0) == 0) kept.push_back(std::move(name));
  }
  return kept;
}

std::string code_of(const Status& status) {
  return status ? "ok" : std::string(to_string(status.error().code));
}
std::string code_of(const Opened& opened) {
  return opened ? "ok" : std::string(to_string(opened.error().code));
}

}  // namespace flyt::tests
