// Descriptors of packages: XML, OVF, and what machine they make.
#include "drivers/ova/ovf.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/ova/hardware.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto package = flyt::ova::parse_ovf(text, "fuzz");
  if (!package) return 0;
  for (const auto& system : package->systems) {
    const flyt::Machine machine = flyt::ova::machine_of(*package, system);
    for (const flyt::Disk& disk : machine.disks) {
      if (disk.id.empty()) __builtin_trap();
    }
  }
  return 0;
}
