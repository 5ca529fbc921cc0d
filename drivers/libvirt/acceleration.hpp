// Whether guests run under KVM or are emulated: asked for, or tried once.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

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
  // some seconds; what came of it is kept in the endpoint's state folder until the host boots
  // again. A try that fails is no error but the answer.
  Result<AccelChoice> choose(bool offered, const Call& call);

 private:
  Result<AccelChoice> find_out(const Call& call) const;

  const Accel wanted_;
  const LandingHost& landing_;
  const EndpointConfig& config_;
  std::mutex mutex_;
  std::optional<AccelChoice> chosen_;
};

// What the console of a kernel says that got so far that KVM can be relied on. For tests.
bool kernel_has_run(std::string_view console);

}  // namespace flyt::virt
