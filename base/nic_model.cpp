#include "base/nic_model.hpp"

#include <algorithm>
#include <array>

#include "base/lower_case.hpp"

namespace flyt {

std::string neutral_nic_model(std::string_view word) {
  std::string model = lower_case(word);
  // VMware's words for AMD's PCnet; "flexible" is one until VMware's tools are there.
  if (model == "pcnet32" || model == "vlance" || model == "flexible") return "pcnet";
  // Of Intel's, which one driver knows all: VMware's e1000 is an 82545EM, QEMU's an 82540EM.
  if (model == "e1000-82540em" || model == "e1000-82544gc" || model == "e1000-82545em") {
    return "e1000";
  }
  constexpr std::array<std::string_view, 6> known = {"virtio",  "e1000",   "e1000e",
                                                     "vmxnet3", "rtl8139", "pcnet"};
  const bool is_known = std::find(known.begin(), known.end(), model) != known.end();
  return is_known ? model : std::string();
}

}  // namespace flyt
