// Whether a guest needs conversion, decided from what the inventory says; nothing is started.
#pragma once

#include <string>

#include "base/machine.hpp"
#include "base/site.hpp"

namespace flyt {

struct ConvertChoice {
  bool convert = false;
  bool in_guest = false;  // never with `convert`
  std::string why;        // one line for the plan and the report
};

// `wanted` from the site. automatic: converts when the guest's disk controllers or NICs are not
// virtio and its family is known to be convertible; a guest already on virtio stays as it is.
ConvertChoice choose_conversion(const Machine& source, Convert wanted);

}  // namespace flyt
