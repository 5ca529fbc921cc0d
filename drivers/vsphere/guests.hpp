// VMware's names for guest operating systems.
#pragma once

#include <string_view>

#include "base/machine.hpp"

namespace flyt::vsphere {

// `id`: VirtualMachineGuestOsIdentifier, as configured: "debian12_64Guest". `told`: what VMware
// Tools say: "linuxGuest"; empty: they say nothing.
GuestFamily guest_family(std::string_view id, std::string_view told);

}  // namespace flyt::vsphere
