#include "drivers/libvirt/acceleration.hpp"

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

TEST_CASE("libvirt: a try is remembered until the host boots again", "[unit]") {
  const tests::TempDir state;
  EndpointConfig config;
  config.name = "kvm1";
  config.state = state.path();
  const LandingHost host{"local", {}};
  const auto boot = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!boot) FLYT_SKIP("needs /proc");
  const std::string id = boot->substr(0, 36);
  REQUIRE(write_durably(state / "kvm-kvm1", id + " kvm tried before"));
  const auto kept = Acceleration(Accel::automatic, host, config).choose(true, {});
  REQUIRE(kept);
  CHECK(kept->kvm);
  CHECK(kept->why == "tried before");
  REQUIRE(write_durably(state / "kvm-kvm1", id + " tcg it crashed"));
  const auto other = Acceleration(Accel::automatic, host, config).choose(true, {});
  REQUIRE(other);
  CHECK_FALSE(other->kvm);
}

}  // namespace
}  // namespace flyt::virt
