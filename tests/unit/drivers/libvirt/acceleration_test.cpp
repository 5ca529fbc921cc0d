#include "drivers/libvirt/acceleration.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::virt {
namespace {

TEST_CASE("libvirt: a kernel counts as run when it looked for its root", "[unit]") {
  CHECK(kernel_has_run("Linux version 6.1\n...\nUnable to mount root fs on unknown-block(0,0)"));
  CHECK(kernel_has_run("Linux version 6.1\nRun /init as init process"));
  CHECK_FALSE(kernel_has_run("Linux version 6.1\n"));
  CHECK_FALSE(kernel_has_run("KVM internal error. Suberror: 1"));
  CHECK_FALSE(kernel_has_run(""));
}

TEST_CASE("libvirt: what the site says about acceleration is not questioned", "[unit]") {
  const EndpointConfig config;
  const LandingHost host{"local", {}};
  const auto kvm = Acceleration(Accel::kvm, host, config).choose(false, {});
  REQUIRE(kvm);
  CHECK(kvm->kvm);
  const auto tcg = Acceleration(Accel::tcg, host, config).choose(true, {});
  REQUIRE(tcg);
  CHECK_FALSE(tcg->kvm);
  const auto none = Acceleration(Accel::automatic, host, config).choose(false, {});
  REQUIRE(none);
  CHECK_FALSE(none->kvm);
  CHECK(none->why.find("offers no KVM") != std::string::npos);
  CHECK(accel_from("auto"));
  CHECK_FALSE(accel_from("kqemu"));
}

// A QEMU of ours, first on the PATH, that counts how often it is started.
class FakeQemu {
 public:
  explicit FakeQemu(const std::string& script) : path_(std::getenv("PATH")) {
    const auto program = folder_ / "qemu-system-x86_64";
    std::ofstream(program) << "#!/bin/sh\necho >>" << (folder_ / "count").native() << "\n"
                           << script;
    std::filesystem::permissions(program, std::filesystem::perms{0755});
    ::setenv("PATH", (folder_.path().native() + ":" + path_).c_str(), 1);
    ::setenv("SUPERMIN_KERNEL", "/boot/vmlinuz-of-the-test", 1);
    config.name = "kvm1";
    config.state = folder_.path();
  }
  FakeQemu(const FakeQemu&) = delete;
  FakeQemu& operator=(const FakeQemu&) = delete;
  ~FakeQemu() {
    ::setenv("PATH", path_.c_str(), 1);
    ::unsetenv("SUPERMIN_KERNEL");
  }

  // As a process of its own would choose.
  bool chooses_kvm() {
    const auto choice = Acceleration(Accel::automatic, host, config).choose(true, {});
    REQUIRE(choice);
    INFO(choice->why);
    CHECK(Acceleration(Accel::automatic, host, config).uses_kvm() == choice->kvm);
    return choice->kvm;
  }
  std::size_t tries() const {
    const auto lines = read_file(folder_ / "count", 4096);
    return lines ? lines->size() : 0;
  }
  std::filesystem::path kept() const { return folder_ / "kvm-kvm1"; }

  EndpointConfig config;
  LandingHost host{"local", {}};

 private:
  tests::TempDir folder_;
  std::string path_;
};

TEST_CASE("libvirt: KVM that has run is remembered until the host boots again", "[unit]") {
  FakeQemu qemu("echo Linux version 6.1; echo Run /init; exit 0\n");
  CHECK(qemu.chooses_kvm());
  CHECK(qemu.chooses_kvm());
  CHECK(qemu.tries() == 1);
  qemu.host.name = "sudo";  // another user
  CHECK(qemu.chooses_kvm());
  CHECK(qemu.tries() == 2);
  ::setenv("SUPERMIN_KERNEL", "/boot/vmlinuz-newer", 1);
  CHECK(qemu.chooses_kvm());
  CHECK(qemu.tries() == 3);
}

TEST_CASE("libvirt: a QEMU that refuses KVM is asked again after an hour", "[unit]") {
  FakeQemu qemu("echo qemu-system-x86_64: failed to initialize kvm >&2; exit 1\n");
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK(qemu.tries() == 1);
  auto kept = read_file(qemu.kept(), 4096);
  REQUIRE(kept);
  const auto word = kept->find(" tcg ") + 5;
  const long then = std::stol(kept->substr(word)) - 3700;
  REQUIRE(write_durably(qemu.kept(), kept->substr(0, word) + std::to_string(then) + " old"));
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK(qemu.tries() == 2);
}

TEST_CASE("libvirt: a try that tells nothing is not kept", "[unit]") {
  const char* said = GENERATE("exit 0\n",    // no word from the kernel
                              "exit 124\n",  // as timeout ends
                              "echo sh: qemu: not found >&2; exit 127\n",  // there is none
                              "echo sudo: a password is required >&2; exit 1\n");
  FakeQemu qemu(said);
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK(qemu.tries() == 2);
  CHECK_FALSE(std::filesystem::exists(qemu.kept()));
}

TEST_CASE("libvirt: a try that took too long is not made again at once", "[unit]") {
  FakeQemu qemu("exit 124\n");
  qemu.host = {"sudo", {"env"}};  // with a prefix, `timeout` ends the try
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK(qemu.tries() == 1);
  const auto kept = read_file(qemu.kept(), 4096);
  REQUIRE(kept);
  const auto word = kept->find(" tcg ") + 5;
  const long before = std::stol(kept->substr(word)) - 700;
  REQUIRE(write_durably(qemu.kept(), kept->substr(0, word) + std::to_string(before) + " old"));
  CHECK_FALSE(qemu.chooses_kvm());
  CHECK(qemu.tries() == 2);
}

TEST_CASE("libvirt: a try as root is ended by root", "[unit]") {
  FakeQemu qemu("echo Linux version 6.1; echo Run /init; exit 0\n");
  const auto log = qemu.config.state / "argv";
  std::ofstream(qemu.config.state / "as-root")
      << "#!/bin/sh\necho \"$*\" >" << log.native() << "\nexec \"$@\"\n";
  std::filesystem::permissions(qemu.config.state / "as-root", std::filesystem::perms{0755});
  qemu.host = {"sudo", {(qemu.config.state / "as-root").native()}};
  CHECK(qemu.chooses_kvm());
  const auto argv = read_file(log, 4096);
  REQUIRE(argv);
  CHECK(argv->rfind("timeout -k 1 20 qemu-system-x86_64 ", 0) == 0);
}

TEST_CASE("libvirt: kernels are compared by version", "[unit]") {
  CHECK(newest_kernel({"/boot/vmlinuz-6.1.0-9-amd64", "/boot/vmlinuz-6.1.0-10-amd64"}) ==
        "/boot/vmlinuz-6.1.0-10-amd64");
  CHECK(newest_kernel({"/boot/vmlinuz-6.12.1", "/boot/vmlinuz-6.9.3"}) == "/boot/vmlinuz-6.12.1");
  CHECK(newest_kernel({}).empty());
}

}  // namespace
}  // namespace flyt::virt
