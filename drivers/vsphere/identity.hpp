// What a guest knows its virtual hardware by, apart from the names that vSphere gives it.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/machine.hpp"

namespace flyt::vsphere {

// The SMBIOS uuid as the guest reads it. `config`: config.uuid; `hardware`: config.version,
// "vmx-13". Lower case; empty: it is unset, or nobody can tell in which order the guest reads it.
std::string guest_uuid(std::string_view config, std::string_view hardware, GuestFamily guest);

// VM-GenerationID, as Machine::generation_id. `extra`: config.extraConfig. Empty: it has none.
std::string generation_id(pugi::xml_node extra);

// The value of a key of config.extraConfig; empty: it is not there.
std::string extra_option(pugi::xml_node extra, std::string_view key);

}  // namespace flyt::vsphere
