#include "drivers/shared/landing.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <vector>

#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/faults/landing_fixture.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

using tests::becomes_free;
using tests::code_of;
using tests::disk_at;
using tests::first;
using tests::here;
using tests::io;
using tests::kept_of;
using tests::make_disk;
using tests::newer;
using tests::other;
using tests::processes;
using tests::soon;
using tests::supervisors;

bool cannot_run() { return !tests::missing_for_landing().empty(); }

// A test that opens by this runs on every host.
struct On {
  LandingHost host;

  tests::Opened open(const std::string& path, Use use, const Owner& owner) const {
    return tests::open(host, path, use, owner);
  }
};
On on_each_host() { return {GENERATE(from_range(tests::landing_hosts()))}; }

tests::Opened open(const std::string& path, Use use, const Owner& owner) {
  return tests::open(here(), path, use, owner);
}

// Run as a program of its own by the next test.
TEST_CASE("landing: a process that opens a disk and stays", "[.landing-child]") {
  const char* disk = std::getenv("FLYT_TEST_DISK");
  if (disk == nullptr) return;
  const auto channel = open(disk, Use::write, first);
  std::cout << "\nopened " << code_of(channel) << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

TEST_CASE("landing: kill -9 of flyt ends the supervisor and qemu-nbd", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  Process child = tests::opening_child("[.landing-child]", path);
  CHECK(code_of(open(path, Use::write, other)) == "unavailable");

  REQUIRE(::kill(child.pid(), SIGKILL) == 0);
  CHECK(becomes_free(path));
  auto again = open(path, Use::write, other);  // what it left behind does not stand in the way
  REQUIRE(code_of(again) == "ok");
  CHECK(code_of((*again)->close(soon())) == "ok");
}

TEST_CASE("landing: kill -9 of the supervisor ends qemu-nbd and is reported", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto channel = on.open(path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  const auto shells = supervisors(path);
  REQUIRE_FALSE(shells.empty());
  for (const pid_t shell : shells) ::kill(shell, SIGKILL);
  CHECK(becomes_free(path));
  CHECK(code_of((*channel)->close(soon())) == "unavailable");
  CHECK(code_of(on.open(path, Use::write, other)) == "ok");
}

TEST_CASE("landing: kill -9 of qemu-nbd after a write makes close() fail", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto channel = on.open(path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  for (const pid_t server : processes("qemu-nbd", path)) ::kill(server, SIGKILL);
  const Status closed = (*channel)->close(soon());
  REQUIRE(code_of(closed) == "unavailable");
  CHECK(closed.error().state.find("not known to be safe") != std::string::npos);
}

TEST_CASE("landing: one writer, its own readers beside it, nobody else", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const std::string format = GENERATE("raw", "qcow2");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, format);
  auto writer = on.open(path, Use::write, first);
  REQUIRE(code_of(writer) == "ok");
  CHECK((*writer)->info().size_bytes == 4U << 20);
  CHECK(io(**writer, "write -P 0x5a 1M 64k") == "ok");
  CHECK(io(**writer, "flush") == "ok");

  const auto second = on.open(path, Use::write, first);
  REQUIRE(code_of(second) == "unavailable");
  CHECK(second.error().seen.find(first.id) != std::string::npos);  // who holds it
  CHECK(code_of(on.open(path, Use::write, other)) == "unavailable");
  CHECK(code_of(on.open(path, Use::read, other)) == "unavailable");

  auto reader = on.open(path, Use::read, first);
  REQUIRE(code_of(reader) == "ok");
  CHECK(io(**reader, "read -P 0x5a 1M 64k") == "ok");
  CHECK(io(**reader, "write -P 0x11 0 64k") != "ok");  // it is one that only reads
  CHECK(io(**writer, "write -P 0x77 2M 64k") == "ok");
  CHECK(code_of((*writer)->close(soon())) == "ok");
  CHECK(code_of((*writer)->close(soon())) == "ok");  // a second close succeeds
  CHECK(code_of((*reader)->close(soon())) == "ok");

  auto fresh = on.open(path, Use::read, first);
  REQUIRE(code_of(fresh) == "ok");
  CHECK(io(**fresh, "read -P 0x77 2M 64k") == "ok");
  CHECK(code_of(on.open(path, Use::read, other)) == "ok");  // two that only read do no harm
}

TEST_CASE("landing: a higher epoch takes over, a lower one is refused", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto old = on.open(path, Use::write, first);
  REQUIRE(code_of(old) == "ok");
  CHECK(io(**old, "write -P 0x42 0 64k") == "ok");
  const auto servers = processes("qemu-nbd", path);
  REQUIRE(servers.size() == 1);

  auto taken = on.open(path, Use::write, newer);
  REQUIRE(code_of(taken) == "ok");
  CHECK(processes("qemu-nbd", path) != servers);
  CHECK(processes("qemu-nbd", path).size() == 1);
  CHECK(io(**taken, "read -P 0x42 0 64k") == "ok");   // what it wrote was kept
  CHECK(io(**old, "write -P 0x13 0 64k") != "ok");    // and it writes no more
  CHECK(code_of((*old)->close(soon())) == "denied");  // and learns why

  const auto late = on.open(path, Use::write, first);
  REQUIRE(code_of(late) == "denied");
  CHECK(late.error().what.find("newer flyt process") != std::string::npos);
  CHECK(code_of(on.open(path, Use::read, first)) == "denied");
  CHECK(code_of((*taken)->close(soon())) == "ok");
}

TEST_CASE("landing: a lower epoch that hangs is ended all the same", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto old = open(path, Use::write, first);
  REQUIRE(code_of(old) == "ok");
  for (const pid_t server : processes("qemu-nbd", path)) REQUIRE(::kill(server, SIGSTOP) == 0);
  for (const pid_t shell : supervisors(path)) REQUIRE(::kill(shell, SIGSTOP) == 0);
  CHECK(code_of(open(path, Use::write, newer)) == "ok");
  CHECK(code_of((*old)->close(soon())) == "unavailable");
}

TEST_CASE("landing: records of processes that are gone are swept away", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto channel = open(path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  // The record of a holder that lives is found by its content.
  const auto find = [&]() -> fs::path {
    const fs::path root = ::getuid() == 0 ? "/run/flyt" : "/";
    std::error_code failed;
    for (const auto& entry : fs::recursive_directory_iterator(root, failed)) {
      if (!entry.is_regular_file(failed)) continue;
      const auto text = read_file(entry.path(), mib);
      const auto shells = processes("sh", path);
      if (!text || shells.empty() || text->find(first.id) == std::string::npos) continue;
      if (text->find("\n" + std::to_string(shells.front()) + " ") != std::string::npos)
        return entry;
    }
    return {};
  };
  if (::getuid() != 0) return;  // whose folder it is depends on the session
  const fs::path record = find();
  REQUIRE_FALSE(record.empty());
  CHECK(code_of((*channel)->close(soon())) == "ok");
  CHECK_FALSE(fs::exists(record));

  // Names a process that lives, but nobody holds its lock.
  std::ofstream(record) << other.id << " 99 write\n" << ::getpid() << " 1\n";
  auto again = open(path, Use::write, first);
  REQUIRE(code_of(again) == "ok");
  CHECK_FALSE(fs::exists(record));
  CHECK(code_of((*again)->close(soon())) == "ok");
}

TEST_CASE("landing: nothing is kept of a disk that is closed", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  if (::getuid() != 0) FLYT_SKIP("needs root: the folder is /run/flyt");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto writer = on.open(path, Use::write, first);
  auto reader = on.open(path, Use::read, first);
  REQUIRE(code_of(writer) == "ok");
  REQUIRE(code_of(reader) == "ok");
  CHECK(kept_of(path).size() == 3);  // two records and the gate
  CHECK(code_of((*writer)->close(soon())) == "ok");
  CHECK(kept_of(path).size() == 2);
  CHECK(code_of((*reader)->close(soon())) == "ok");
  CHECK(kept_of(path).empty());

  LandingDisk wrong = disk_at(path, Use::read, first);
  wrong.format = "qcow2";
  CHECK(code_of(open_landing(on.host, wrong, soon())) == "unavailable");
  CHECK(kept_of(path).empty());
}

TEST_CASE("landing: another user is excluded too", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  if (::getuid() != 0) FLYT_SKIP("needs root to be two users");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  fs::permissions(dir.path(), fs::perms{0755});
  fs::permissions(path, fs::perms{0666});
  const LandingHost nobody{"nobody",
                           {"setpriv", "--reuid=64997", "--regid=64997", "--clear-groups"}};
  auto channel = open(path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  const auto same = open_landing(nobody, disk_at(path, Use::write, first), soon());
  CHECK(code_of(same) == "unavailable");
  CHECK(same.error().seen.find("is locked by another program") != std::string::npos);
  LandingDisk source = disk_at(path, Use::read, other);
  source.shared = false;
  CHECK(code_of(open_landing(nobody, source, soon())) == "unavailable");
  CHECK(code_of((*channel)->close(soon())) == "ok");
  fs::remove_all("/var/tmp/flyt-64997");
}

TEST_CASE("landing: a gate that was taken away is none", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  if (::getuid() != 0) FLYT_SKIP("needs root: the folder is /run/flyt");
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  auto channel = open(path, Use::write, first);
  REQUIRE(code_of(channel) == "ok");
  std::string gate;
  for (const std::string& name : kept_of(path)) {
    if (name.ends_with(".gate")) gate = "/run/flyt/" + name;
  }
  REQUIRE_FALSE(gate.empty());
  CHECK(code_of((*channel)->close(soon())) == "ok");

  const auto hold = [&] {
    auto holder = Process::start({{"flock", gate, "sh", "-c", "echo held; read line"}});
    REQUIRE(holder);
    REQUIRE(holder->read_line(soon()));
    return std::move(*holder);
  };
  Process before = hold();
  std::optional<Result<std::unique_ptr<Channel>>> opened;
  std::jthread waiter([&] { opened = open(path, Use::write, other); });
  const auto waits_at = [&](const std::string& file) {
    for (const pid_t shell : processes("sh", path)) {
      std::error_code failed;
      if (fs::read_symlink(fmt::format("/proc/{}/fd/8", shell), failed) == file) return true;
    }
    return false;
  };
  const Call call = soon();
  while (!waits_at(gate) && wait(milliseconds{5}, call, "a waiter")) continue;
  fs::remove(gate);
  Process now = hold();
  before.close_input();
  bool in_time = true;
  while (in_time && !waits_at(gate) && processes("qemu-nbd", path).empty()) {
    in_time = wait(milliseconds{5}, call, "a second look").has_value();
  }
  CHECK(processes("qemu-nbd", path).empty());
  now.close_input();
  waiter.join();
  REQUIRE(code_of(*opened) == "ok");
  CHECK(code_of((**opened)->close(soon())) == "ok");
}

TEST_CASE("landing: a source that changes while it is read is corrupt", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  LandingDisk source = disk_at(path, Use::read, first);
  source.shared = false;
  auto channel = open_landing(on.host, source, soon());
  REQUIRE(code_of(channel) == "ok");
  CHECK(io(**channel, "read -P 0 1M 64k") == "ok");
  SECTION("it does not") {
    CHECK(code_of((*channel)->close(soon())) == "ok");
    return;
  }
  SECTION("another program writes to it") {
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "x";
  }
  SECTION("another file takes its place") {
    fs::copy_file(path, path + ".new");
    fs::rename(path + ".new", path);
  }
  SECTION("it is gone") { fs::remove(path); }
  const Status closed = (*channel)->close(soon());
  CHECK(code_of(closed) == "corrupt");
  CHECK(closed.error().what.find("changed while it was read") != std::string::npos);
}

TEST_CASE("landing: a disk reads as zero until something is written", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string format = GENERATE("raw", "qcow2");
  std::string path = dir / ("disk." + format);
  if (format == "raw") {
    std::ofstream(path) << "";
    fs::resize_file(path, 4 << 20);
  } else {
    path = make_disk(dir, format);
  }
  LandingDisk disk = disk_at(path, Use::write, first);
  disk.reads_zero = true;
  auto fresh = open_landing(on.host, disk, soon());
  REQUIRE(code_of(fresh) == "ok");
  CHECK((*fresh)->info().reads_zero);
  CHECK(io(**fresh, "write -P 0x5a 3M 64k") == "ok");
  CHECK(code_of((*fresh)->close(soon())) == "ok");
  auto used = open_landing(on.host, disk, soon());
  REQUIRE(code_of(used) == "ok");
  CHECK_FALSE((*used)->info().reads_zero);
  CHECK(code_of((*used)->close(soon())) == "ok");
}

TEST_CASE("landing: a stamp changes with what is written", "[faults][landing]") {
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string a = dir / "a b.raw", b = dir / "b.raw";
  std::ofstream(a) << "one";
  std::ofstream(b) << "two";
  const std::vector<std::string> paths{a, dir / "none", b, "/dev/null", dir.path()};
  const auto before = landing_stamps(on.host, paths, soon());
  REQUIRE(before);
  REQUIRE(before->size() == 5);
  CHECK_FALSE(before->at(0).empty());
  CHECK(before->at(1).empty());
  CHECK_FALSE(before->at(2).empty());
  CHECK(before->at(3).empty());
  CHECK(before->at(4).empty());
  CHECK(*landing_stamps(on.host, paths, soon()) == *before);
  // Written to, with the old time put back.
  const auto time = fs::last_write_time(a);
  std::ofstream(a) << "eno";
  fs::last_write_time(a, time);
  const auto after = landing_stamps(on.host, paths, soon());
  REQUIRE(after);
  CHECK(after->at(0) != before->at(0));
  CHECK(after->at(2) == before->at(2));

  const auto spaces = landing_spaces(on.host, {dir.path(), dir / "none"}, soon());
  REQUIRE(spaces);
  REQUIRE(spaces->at(0));
  CHECK(spaces->at(0)->size_bytes >= spaces->at(0)->free_bytes);
  CHECK_FALSE(spaces->at(1));
}

TEST_CASE("landing: what cannot be served says why", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = make_disk(dir, "raw");
  const auto none = on.open(dir / "none.raw", Use::read, first);
  REQUIRE(code_of(none) == "not_found");
  CHECK_FALSE(none.error().remedy.empty());

  LandingDisk wrong = disk_at(path, Use::read, first);
  wrong.format = "qcow2";
  const auto refused = open_landing(on.host, wrong, soon());
  REQUIRE(code_of(refused) == "unavailable");
  CHECK(refused.error().seen.find("not in qcow2 format") != std::string::npos);

  LandingDisk sized = disk_at(path, Use::read, first);
  sized.size_bytes = 1 << 20;
  CHECK(code_of(open_landing(on.host, sized, soon())) == "corrupt");

  CHECK(code_of(on.open(path, Use::write, Owner{})) == "denied");
  CHECK(becomes_free(path));
}

TEST_CASE("landing: commas, spaces and a prefix make no difference", "[faults][landing]") {
  if (cannot_run()) FLYT_SKIP("needs qemu-nbd and flock");
  const On on = on_each_host();
  const tests::TempDir dir;
  const std::string path = dir / "a, b=c'd\".raw";
  fs::rename(make_disk(dir, "raw"), path);
  LandingHost through = on.host;
  through.prefix = {"env", "LC_ALL=C"};
  auto channel = open_landing(through, disk_at(path, Use::write, first), soon());
  REQUIRE(code_of(channel) == "ok");
  CHECK(io(**channel, "write -P 0x42 0 64k") == "ok");
  CHECK(code_of((*channel)->close(soon())) == "ok");

  std::ofstream(dir / "log") << "one\ntwo\n";
  const auto said = landing_log(through, dir / "log", "", soon());
  REQUIRE(said);
  CHECK(said->text == "one\ntwo\n");
  const auto missing = landing_log(on.host, dir / "none", "", soon());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(landing_remove(on.host, dir / "log", soon()));
  CHECK_FALSE(fs::exists(dir / "log"));
  CHECK(landing_remove(on.host, dir / "log", soon()));
}

TEST_CASE("landing: unknown ways are refused", "[faults][landing]") {
  for (const char* word : {"sudoo", "ssh", "ssh:", "ssh+sudo:", "ssh:-oProxyCommand=x"}) {
    const auto wrong = landing_host(word);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Errc::invalid);
    CHECK_FALSE(wrong.error().remedy.empty());
  }
}

}  // namespace
}  // namespace flyt
