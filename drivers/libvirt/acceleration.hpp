// Whether guests run under KVM or are emulated: asked for, or tried.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"
#include "base/site.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::virt {

enum class Accel : std::uint8_t { automatic, kvm, tcg };

Result<Accel> accel_from(std::string_view word);

struct AccelChoice {
  bool kvm = false;
  std::string why;  // one line for people
};

// Thread-safe.
class Acceleration {
 public:
  Acceleration(Accel wanted, const LandingHost& landing, const EndpointConfig& config)
      : wanted_(wanted), landing_(landing), config_(config) {}

  // `offered`: libvirt's capabilities name KVM. automatic: boots a kernel of the host under KVM for
  // some seconds. A try that fails is no error but the answer. A good one is kept in the endpoint's
  // state folder until the host boots again, one in which QEMU itself refused for an hour, one that
  // took too long for ten minutes; for this kernel, QEMU and user alone.
  Result<AccelChoice> choose(bool offered, const Call& call);

  // Of this machine: asked for, or found by this or an earlier process; nothing is tried. Of
  // another host's KVM it does not follow.
  bool uses_kvm();

 private:
  struct Tried {
    AccelChoice choice;
    std::chrono::seconds life{0};  // of a refusal: so long it is not tried again
  };

  Result<Tried> find_out(const std::string& kernel, const Call& call) const;
  std::optional<AccelChoice> known();

  const Accel wanted_;
  const LandingHost& landing_;
  const EndpointConfig& config_;
  std::mutex trying_;
  std::mutex mutex_;  // never held while something is tried
  std::optional<AccelChoice> chosen_;
};

// By version, not by letters: 6.1.0-10 is newer than 6.1.0-9. Empty: there is none.
std::string newest_kernel(std::vector<std::string> kernels);

// What the console of a kernel says that got so far that KVM can be relied on. For tests.
bool kernel_has_run(std::string_view console);

}  // namespace flyt::virt
