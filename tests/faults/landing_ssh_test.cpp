// Landing hosts by SSH: who is let in, what shells do to words, and connections that break.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/process.hpp"
#include "drivers/shared/landing.hpp"
#include "drivers/shared/landing_socket.hpp"
#include "tests/catch.hpp"
#include "tests/faults/landing_fixture.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;
using tests::becomes_free;
using tests::code_of;
using tests::disk_at;
using tests::first;
using tests::io;
using tests::make_disk;
using tests::newer;
using tests::processes;
using tests::soon;
using tests::supervisors;

// An sshd whose user `plain` may forward nothing and finds no programs but a few.
const Result<std::unique_ptr<tests::SshHost>>& host() {
  static const auto started = tests::SshHost::start({
      "Banner /etc/hostname",
      "Match User plain",
      "AllowStreamLocalForwarding no",
      "Match User lander",
      "AcceptEnv FLYT_TEST_*",
  });
  return started;
}

std::string missing() {
  if (!host() && host().error().code != Errc::unsupported) {
    FAIL(host().error().what << ": " << host().error().seen);
  }
  return host() ? tests::missing_for_landing() : host().error().seen;
}

LandingHost by(const std::string& word) { return *landing_host(word, (*host())->config()); }

// What the shell of the session that serves `path` descends from: sshd's own process for it.
std::vector<pid_t> sshds_of(const std::string& path) {
  std::vector<pid_t> found;
  for (pid_t pid : processes("sh", path)) {
    for (int up = 0; up < 8 && pid > 1; ++up) {
      std::ifstream status(fmt::format("/proc/{}/status", pid));
      std::string name;
      pid_t parent = 0;
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Name:\t")) name = line.substr(6);
        if (line.starts_with("PPid:\t")) parent = std::stoi(line.substr(6));
      }
      if (name.starts_with("sshd")) {
        found.push_back(pid);
        break;  // above it is the one that listens
      }
      pid = parent;
    }
  }
  return found;
}

void signal_all(const std::vector<pid_t>& pids, int number) {
  for (const pid_t pid : pids) (void)::kill(pid, number);
}

// The clients that carry `path` from this machine.
std::vector<pid_t> clients() { return processes("ssh", (*host())->config().native()); }

TEST_CASE("landing by ssh: every login shell hands words on as they are", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const std::vector<std::string> words{
      "plain",       "two words",
      "it's",        "\"$HOME\" `id`",
      "!x !! ^a^b",  "back\\slash \\' \\n",
      "new\nline",   "",
      "*?[a]{b,c}~", "\xc3\xa6\xc3\xb8\xc3\xa5 \t # ; & | < > ( )"};
  std::vector<std::string> argv{"printf", "<%s>"};
  std::string expected;
  for (const std::string& word : words) {
    argv.push_back(word);
    expected += "<" + word + ">";
  }
  int shells = 0;
  for (const char* user : {"root", "plain", "bash-user", "zsh-user", "tcsh-user", "fish-user"}) {
    std::ifstream users((*host())->folder() / "passwd");
    const std::string known((std::istreambuf_iterator<char>(users)), {});
    if (known.find(fmt::format("{}:", user)) == std::string::npos) continue;
    INFO(user);
    const auto said = landing_run(by(fmt::format("ssh:{}@far", user)), argv, soon());
    if (!said) FAIL(said.error().what << ": " << said.error().seen);
    CHECK(said->output == expected);
    CHECK(said->status == 0);
    ++shells;
  }
  CHECK(shells >= 3);
  const auto failed = landing_run(by("ssh:root@far"), {"sh", "-c", "echo no >&2; exit 7"}, soon());
  REQUIRE(failed);
  CHECK(failed->status == 7);
  CHECK(failed->errors.find("no\n") != std::string::npos);
}

TEST_CASE("landing by ssh: what a login prints is not the command's", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  if (::getuid() != 0) FLYT_SKIP("needs root: the file is another user's");
  const fs::path home = (*host())->folder() / "home/bash-user";
  std::ofstream(home / ".bashrc") << "echo 'Welcome! flyt-landing: nothing'\necho careful >&2\n"
                                     "printf 'no end of the line'\n";
  const auto said = landing_run(by("ssh:bash-user@far"), {"echo", "hello"}, soon());
  REQUIRE(said);
  CHECK(said->output == "hello\n");
  const tests::TempDir dir;
  fs::permissions(dir.path(), fs::perms{0755});
  const std::string path = make_disk(dir, "raw");
  fs::permissions(path, fs::perms{0666});
  auto channel = tests::open(by("ssh:bash-user@far"), path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  CHECK(io(**channel, "write -P 0x42 0 64k") == "ok");
  CHECK(code_of((*channel)->close(soon())) == "ok");
  fs::remove(home / ".bashrc");
}

TEST_CASE("landing by ssh: who is not let in learns why", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  struct Case {
    const char *word, *code, *what, *remedy;
  };
  const auto wanted = GENERATE(values<Case>({
      {"ssh:root@stranger", "denied", "host key that is not known", "ssh -F"},
      {"ssh:root@changed", "denied", "another host key", "ssh-keygen -R"},
      {"ssh:root@closed", "unavailable", "refuses the connection", ""},
      {"ssh:nobody-here@far", "denied", "not in", "ssh -F"},
      {"ssh:barred@far", "denied", "runs no commands", "shell"},
      {"ssh+sudo:plain@far", "denied", "sudo refuses", ""},
  }));
  INFO(wanted.word);
  const auto said = landing_run(by(wanted.word), {"true"}, soon());
  REQUIRE_FALSE(said);
  INFO(said.error().what << ": " << said.error().seen);
  CHECK(to_string(said.error().code) == wanted.code);
  CHECK(said.error().what.find(wanted.what) != std::string::npos);
  CHECK_FALSE(said.error().seen.empty());
  std::string remedy;
  for (const std::string& line : said.error().remedy) remedy += line + "\n";
  CHECK(remedy.find(wanted.remedy) != std::string::npos);
  const auto opened = tests::open(by(wanted.word), "/dev/null.raw", Use::read, first);
  CHECK(code_of(opened) == wanted.code);
}

TEST_CASE("landing by ssh: a way that is not there is told apart", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const auto nowhere = landing_run(*landing_host("ssh:no-such-host.invalid"), {"true"}, soon());
  REQUIRE_FALSE(nowhere);
  INFO(nowhere.error().seen);
  CHECK((nowhere.error().code == Errc::not_found || nowhere.error().code == Errc::unavailable));
  CHECK(nowhere.error().what.find("is not found") != std::string::npos);
  const auto unset =
      landing_run(*landing_host("ssh:far", (*host())->folder() / "none"), {"true"}, soon());
  REQUIRE_FALSE(unset);
  CHECK(unset.error().code == Errc::invalid);
}

TEST_CASE("landing by ssh: forwarding that is forbidden is said", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  fs::permissions(dir.path(), fs::perms{0755});
  const std::string path = make_disk(dir, "raw");
  fs::permissions(path, fs::perms{0644});
  const auto opened = tests::open(by("ssh:plain@far"), path, Use::read, first);
  REQUIRE_FALSE(opened);
  INFO(opened.error().what << ": " << opened.error().seen);
  REQUIRE(code_of(opened) == "unsupported");
  CHECK(opened.error().what.find("does not let sockets be forwarded") != std::string::npos);
  CHECK(becomes_free(path));
}

TEST_CASE("landing by ssh: a host without qemu-nbd says so", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  fs::create_directory(dir / "bin");
  for (const char* name :
       {"sh", "sleep", "stat", "sed", "cut", "mkdir", "rm", "find", "flock", "id", "setpriv"}) {
    if (const auto program = find_program(name)) fs::create_symlink(*program, dir / "bin" / name);
  }
  LandingHost bare = by("ssh:root@far");
  bare.prefix = {"env", "PATH=" + (dir / "bin").native()};
  const auto opened = tests::open(bare, path, Use::read, first);
  REQUIRE(code_of(opened) == "unsupported");
  CHECK(opened.error().seen.find("there is no qemu-nbd") != std::string::npos);
  CHECK(opened.error().remedy.front().find("qemu-utils") != std::string::npos);
}

TEST_CASE("landing by ssh: root's disk by a user's sudo", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  if (!find_program("sudo")) FLYT_SKIP("needs sudo");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  fs::permissions(path, fs::perms{0600});
  const auto closed = tests::open(by("ssh:lander@far"), path, Use::write, first);
  REQUIRE(code_of(closed) == "not_found");
  CHECK(closed.error().remedy.front() == "set landing = \"ssh+sudo:lander@far\"");

  auto channel = tests::open(by("ssh+sudo:lander@far"), path, Use::write, first);
  if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
  CHECK(io(**channel, "write -P 0x42 0 64k") == "ok");
  CHECK(code_of(tests::open(by("ssh:root@far"), path, Use::write, first)) == "unavailable");
  CHECK(code_of((*channel)->close(soon())) == "ok");
  CHECK(becomes_free(path));
}

// Run as a program of its own by the next test.
TEST_CASE("landing by ssh: a process that opens a disk and stays", "[.landing-ssh-child]") {
  const char* disk = std::getenv("FLYT_TEST_DISK");
  const char* config = std::getenv("FLYT_TEST_SSH");
  if (disk == nullptr || config == nullptr) return;
  const auto channel = tests::open(*landing_host("ssh:root@far", config), disk, Use::write, first);
  std::cout << "\nopened " << code_of(channel) << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

TEST_CASE("landing by ssh: whoever is killed, the far end ends", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  Process child =
      tests::opening_child("[.landing-ssh-child]", path, {{"FLYT_TEST_SSH", (*host())->config()}});
  SECTION("flyt") { REQUIRE(::kill(child.pid(), SIGKILL) == 0); }
  SECTION("ssh") { signal_all(clients(), SIGKILL); }
  SECTION("sshd") { signal_all(sshds_of(path), SIGKILL); }
  CHECK(becomes_free(path));
  CHECK(code_of(tests::open(by("ssh:root@far"), path, Use::write, tests::other)) == "ok");
}

TEST_CASE("landing by ssh: a link that broke is an error, and its opener comes again",
          "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto channel = tests::open(by("ssh:root@far"), path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  CHECK(io(**channel, "write -P 0x42 0 64k") == "ok");
  SECTION("ssh is killed") { signal_all(clients(), SIGKILL); }
  SECTION("sshd is killed") { signal_all(sshds_of(path), SIGKILL); }
  CHECK(io(**channel, "write -P 0x13 0 64k") != "ok");
  const Status closed = (*channel)->close(soon());
  REQUIRE(code_of(closed) == "unavailable");
  CHECK(closed.error().state.find("not known to be safe") != std::string::npos);
  auto again = tests::open(by("ssh:root@far"), path, Use::write, first);
  REQUIRE(code_of(again) == "ok");
  CHECK(io(**again, "read -P 0x42 0 64k") == "ok");
  CHECK(code_of((*again)->close(soon())) == "ok");
}

TEST_CASE("landing by ssh: a far end that knows nothing of the cut is ended, and writes no more",
          "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  LandingHost patient = by("ssh:root@far");
  patient.ssh->most_silence = std::chrono::seconds{3};
  auto old = tests::open(patient, path, Use::write, first);
  REQUIRE(code_of(old) == "ok");
  CHECK(io(**old, "write -P 0x42 0 64k") == "ok");
  const auto servers = processes("qemu-nbd", path);
  const auto silent = sshds_of(path);
  REQUIRE_FALSE(silent.empty());
  // What it writes is on its way when the link falls silent, and would land when sshd comes to
  // itself.
  auto late = Process::start({{"qemu-io", "-f", "raw", (*old)->info().uri}});
  REQUIRE(late);
  REQUIRE(late->write("read 0 512\n"));
  REQUIRE(late->read_line(soon()));
  signal_all(silent, SIGSTOP);
  REQUIRE(late->write("write -P 0x13 0 64k\n"));
  late->close_input();
  Owner opener = first;
  SECTION("its own process comes again") {
    const Status closed = (*old)->close(soon());
    REQUIRE(code_of(closed) == "unavailable");
    CHECK(closed.error().what.find("silent") != std::string::npos);
  }
  SECTION("a higher epoch comes") { opener = newer; }
  CHECK(processes("qemu-nbd", path) == servers);  // it serves on, for nobody
  auto taken = tests::open(by("ssh:root@far"), path, Use::write, opener);
  if (!taken) {
    signal_all(silent, SIGCONT);
    FAIL(taken.error().what << ": " << taken.error().seen);
  }
  CHECK(processes("qemu-nbd", path) != servers);
  CHECK(processes("qemu-nbd", path).size() == 1);
  signal_all(silent, SIGCONT);
  CHECK(late->wait(soon()));
  CHECK(io(**taken, "read -P 0x42 0 64k") == "ok");
  CHECK(code_of((*taken)->close(soon())) == "ok");
  CHECK(code_of((*old)->close(soon())) != "");
  CHECK(becomes_free(path));
}

TEST_CASE("landing by ssh: questions share a connection, and do without it", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const LandingHost far = by("ssh:root@far");
  const auto ask = [&] {
    const auto said = landing_run(far, {"echo", "here"}, soon());
    if (!said) FAIL(said.error().what << ": " << said.error().seen);
    return said->output;
  };
  const auto logins = [&] {
    std::ifstream log((*host())->folder() / "sshd.log");
    int count = 0;
    for (std::string line; std::getline(log, line);) {
      if (line.find("Accepted publickey") != std::string::npos) ++count;
    }
    return count;
  };
  CHECK(ask() == "here\n");
  const int before = logins();
  for (int i = 0; i < 3; ++i) CHECK(ask() == "here\n");
  CHECK(logins() == before);
  // Its connection breaks: the next question makes another one.
  signal_all(clients(), SIGKILL);
  CHECK(ask() == "here\n");
  CHECK(logins() == before + 1);
}

TEST_CASE("landing by ssh: a stop is heard while nobody answers", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  // Takes connections and says nothing.
  auto mute = Process::start({{"python3", "-c",
                               "import socket, sys\ns = socket.create_server(('127.0.0.1', 0))\n"
                               "print(s.getsockname()[1], flush=True)\nsys.stdin.read()"}});
  REQUIRE(mute);
  const auto port = mute->read_line(soon());
  REQUIRE(port);
  REQUIRE(*port);
  const LandingHost nobody = *landing_host("ssh:root@127.0.0.1:" + **port, (*host())->config());
  std::stop_source stop;
  std::thread later([&] {
    while (processes("ssh", "127.0.0.1").empty()) std::this_thread::yield();
    stop.request_stop();
  });
  SECTION("of a question") {
    const auto said = landing_run(nobody, {"true"}, {stop.get_token(), soon().deadline});
    REQUIRE_FALSE(said);
    CHECK(said.error().code == Errc::cancelled);
  }
  SECTION("of an opening") {
    const auto said = open_landing(nobody, disk_at("/dev/null.raw", Use::read, first),
                                   {stop.get_token(), soon().deadline});
    CHECK(code_of(said) == "cancelled");
  }
  later.join();
  const auto late = landing_run(nobody, {"true"}, Call{}.within(std::chrono::milliseconds{200}));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timed_out);
}

TEST_CASE("landing by ssh: a socket is carried", "[faults][landing]") {
  if (const auto why = missing(); !why.empty()) FLYT_SKIP(why);
  const tests::TempDir dir;
  const fs::path socket = dir / "s";
  auto server = Process::start({{"python3", "-c",
                                 "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
                                 "s.bind(sys.argv[1])\ns.listen()\nprint('listens', flush=True)\n"
                                 "c, _ = s.accept()\nc.sendall(b'hello')\nc.close()",
                                 socket}});
  REQUIRE(server);
  REQUIRE(server->read_line(soon()));
  const LandingHost far = by("ssh:root@far");
  const auto none = LandingSocket::open(far, {dir / "none", dir / "nor-this"}, soon());
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::not_found);
  CHECK(none.error().what.find("nor-this") != std::string::npos);
  const auto closed = LandingSocket::open(by("ssh:lander@far"), {socket}, soon());
  REQUIRE_FALSE(closed);
  const auto carried = LandingSocket::open(far, {dir / "none", socket}, soon());
  REQUIRE(carried);
  const auto said = run({{"python3", "-c",
                          "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
                          "s.connect(sys.argv[1])\nprint(s.recv(9).decode())",
                          carried->path()}},
                        soon());
  REQUIRE(said);
  CHECK(said->output == "hello\n");
}

}  // namespace
}  // namespace flyt
