// A driver that fails when a test says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "drivers/driver.hpp"

namespace flyt {

struct Fault {
  enum class Kind : std::uint8_t {
    none,
    before,  // the call fails and does nothing
    after,   // the call is done, and fails all the same: its answer got lost
    hang,    // the call does nothing and returns when stopped or past its deadline
  };
  Kind kind = Kind::none;
  Error error = {Errc::unavailable, "an injected fault"};
};

// Asked for every call, by the name of the method: "create_machine", or "close" of a channel.
// Called from any thread.
using FaultPlan = std::function<Fault(std::string_view method)>;

// info() of driver and channel never fail. The channels that it opens fail by the same plan.
std::unique_ptr<Driver> with_faults(std::unique_ptr<Driver> driver, FaultPlan plan);

}  // namespace flyt
