// What libvirt's description of a domain says, in flyt's words. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"
#include "base/result.hpp"

namespace flyt::virt {

// The namespace of the element that carries the migration id in a domain's metadata.
inline constexpr std::string_view metadata_uri = "https://flyt.eu/ns/1";

struct DomainDisk {
  std::string path;          // of a file or block device; empty: pool and volume, or neither
  std::string pool, volume;  // names; only where the description does not say the path
  std::string format;        // as stated: "raw", "qcow2"
  std::string target;        // "vda"
};

struct DomainFacts {
  Machine machine;                // power, host and sizes of disks are not in the description
  std::vector<DomainDisk> disks;  // beside machine.disks
  std::string console;            // path of the serial console's log
  bool agent_channel = false;
  std::string emulation;  // "kvm", "qemu"
};

// CD-ROM and floppy drives are no disks of ours. Errc::corrupt: no description of a domain.
Result<DomainFacts> parse_domain(std::string_view xml);

}  // namespace flyt::virt
