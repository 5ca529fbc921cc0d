// What a hypervisor is called for good: part of every migration id made from its machines.
#pragma once

#include <string>
#include <string_view>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt::virt {

struct Context;

// What the host itself says.
struct HostMarks {
  std::string machine_id;     // /etc/machine-id
  std::string board;          // the UUID in the firmware's tables; empty: none, or not to be read
  bool board_hidden = false;  // there is one that only root may read
  std::string configured;     // lines of libvirt's configuration about the host's UUID
};

// `claimed`, libvirt's word, where it is known to last. Where there is no UUID to be read, libvirt
// makes up one at every start: then one that follows from the machine id. Pure.
std::string lasting_host_id(const std::string& claimed, const HostMarks& marks, bool session);

// The same, asked for on the landing host. What cannot be asked there leaves `claimed`; a host that
// is not reached is an error.
Result<std::string> host_id(const Context& context, const std::string& claimed, const Call& call);

}  // namespace flyt::virt
