// VMware's names for guest operating systems.
#pragma once

#include <string_view>

#include "base/machine.hpp"

namespace flyt::vsphere {

// `id`: VirtualMachineGuestOsIdentifier, as configured: "debian12_64Guest". `told`: what VMware
// Tools say: "linuxGuest"; empty: they say nothing.
GuestFamily guest_family(std::string_view id, std::string_view told);

// Whether no driver for virtio has been made for a guest, or is to be had any more.
bool is_too_old(std::string_view id);

}  // namespace flyt::vsphere
