// What of firmware the host has for machines that are made on it.
#pragma once

#include "drivers/libvirt/handles.hpp"

namespace flyt::virt {

struct FirmwareOffer {
  bool secure_boot = false;  // with keys enrolled
  bool tpm = false;          // an emulated one of version 2.0
};

// Nothing is made for the answer. What the daemon cannot tell is not offered.
FirmwareOffer firmware_offer(virConnectPtr link);

}  // namespace flyt::virt
