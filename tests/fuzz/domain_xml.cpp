// What a libvirt daemon may say of its domains, pools, volumes, networks and itself.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/libvirt/domain_xml.hpp"
#include "drivers/libvirt/ground_xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flyt::virt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto facts = parse_domain(text)) {
    if (facts->disks.size() != facts->machine.disks.size()) __builtin_trap();
    if (facts->machine.id.empty() || facts->machine.name.empty()) __builtin_trap();
  }
  (void)parse_pool(text);
  (void)parse_volume(text);
  (void)parse_network(text);
  (void)parse_capabilities(text);
  return 0;
}
