// Writing libvirt's description of a domain from what is asked for. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/machine_spec.hpp"
#include "base/result.hpp"

namespace flyt::virt {

struct DiskPlace {
  std::string path, format;
};

struct NicPlace {
  std::string type, source;  // "network", "bridge" and its name; "user"
};

struct Placement {
  bool kvm = false;
  std::string console;           // path of the serial console's log
  std::vector<DiskPlace> disks;  // as many as the spec has
  std::vector<NicPlace> nics;
};

// The title of a disk controller or NIC model that QEMU lacks is Errc::unsupported, with what can
// be done. What the guest is not converted for stays as the source had it, as far as QEMU can.
Result<std::string> build_domain(const MachineSpec& spec, const Placement& placement);

}  // namespace flyt::virt
