// What a vCenter may answer: faults, values, and the hardware and snapshots of machines in them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/devices.hpp"
#include "drivers/vsphere/faults.hpp"
#include "drivers/vsphere/machines.hpp"

namespace {

using namespace flyt;
using namespace flyt::vsphere;

void look_at(const SourceMachine& one) {
  if (one.machine.disks.size() != one.devices.disks.size()) __builtin_trap();
  if (!one.machine.unreadable.empty() && !one.machine.disks.empty()) __builtin_trap();
  std::size_t boots = 0;
  for (const Disk& disk : one.machine.disks) boots += disk.boots ? 1 : 0;
  for (const DeviceDisk& disk : one.devices.disks) (void)parse_datastore_path(disk.file);
  if (one.machine.disks.empty() != (boots == 0)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string_view method : {"RetrievePropertiesEx", "Login", "DestroyView"}) {
    const auto answer = parse_answer(method, text, "fuzz");
    if (!answer) continue;
    if (answer->fault) {
      const Error error = error_of(*answer->fault, "fuzz");
      if (error.what != "fuzz" || error.seen.empty()) __builtin_trap();
      continue;
    }
    (void)ref_of(answer->reply.value());
    for (const pugi::xml_node node : xml_children(answer->reply.value(), "objects")) {
      const Object object(node);
      (void)object.missing();
      look_at(machine_of(object, {}));
    }
  }
  return 0;
}
