#include "drivers/libvirt/acceleration.hpp"

#include <cstdlib>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/libvirt/libvirt_lab.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::virt {
namespace {

// Whether KVM works differs from machine to machine; what must not differ is that the answer comes
// with its reason, in bounded time, and is not asked for again.
TEST_CASE("libvirt: KVM is tried once with a kernel", "[libvirt]") {
  const char* kernel = std::getenv("SUPERMIN_KERNEL");
  if (kernel == nullptr) FLYT_SKIP("needs a kernel: SUPERMIN_KERNEL");
  if (!find_program("qemu-system-x86_64")) FLYT_SKIP("needs qemu-system-x86_64");
  const tests::TempDir state;
  EndpointConfig config;
  config.name = "kvm1";
  config.state = state.path();
  const LandingHost host{"local", {}};
  const auto choice = Acceleration(Accel::automatic, host, config).choose(true, tests::in_time());
  REQUIRE(choice);
  CHECK(choice->why.find(kernel) != std::string::npos);
  const auto kept = read_file(state / "kvm-kvm1", 4096);
  if (!choice->kvm && !kept) return;  // it took too long, which tells nothing
  REQUIRE(kept);
  CHECK(kept->find(choice->why) != std::string::npos);
  CHECK((kept->find(choice->kvm ? " kvm " : " tcg ") != std::string::npos));
}

}  // namespace
}  // namespace flyt::virt
