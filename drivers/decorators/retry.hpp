// A driver that tries again: the only place where calls to a platform are repeated.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "drivers/driver.hpp"

namespace flyt {

struct RetryPolicy {
  unsigned attempts = 5;                                              // in all, at least 1
  std::chrono::milliseconds first_pause{500}, longest_pause{30'000};  // doubled each time
  // For how long a machine whose creation failed is looked for before it is created again.
  std::chrono::milliseconds settle{10'000};
};

// Only is_transient() errors are tried again; never after a stop was requested, never past the
// deadline. A machine is not created again before the inventory has been asked for what the first
// attempt may have made. A graceful power off that timed out is not repeated: the guest did not
// follow. Channels are not touched: opening anew is the mover's decision. A transient error after
// which a stop was requested is Errc::cancelled, with the platform's words in `seen`. `context`
// stands in front of what fails: "endpoint pve".
std::unique_ptr<Driver> with_retries(std::unique_ptr<Driver> driver, RetryPolicy policy = {},
                                     std::string context = {});

}  // namespace flyt
