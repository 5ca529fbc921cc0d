#include "drivers/libvirt/firmware_offer.hpp"

#include "base/units.hpp"
#include "drivers/libvirt/domain_build.hpp"
#include "drivers/libvirt/ground_xml.hpp"

namespace flyt::virt {
namespace {

// Whether there is firmware with keys in it stands in no capabilities: libvirt is to choose one for
// a machine that is never made.
bool has_firmware_with_keys(virConnectPtr link) {
  MachineSpec spec;
  spec.name = "flyt-asks";
  spec.memory_bytes = 64 * mib;
  spec.firmware = FirmwareKind::uefi;
  spec.secure_boot = true;
  const auto xml = build_domain(spec, {});
  if (!xml) return false;
  return !take(virConnectDomainXMLToNative(link, "qemu-argv", xml->c_str(), 0)).empty();
}

}  // namespace

FirmwareOffer firmware_offer(virConnectPtr link) {
  const std::string capabilities =
      take(virConnectGetDomainCapabilities(link, nullptr, "x86_64", "q35", nullptr, 0));
  return {has_firmware_with_keys(link), emulates_tpm(capabilities)};
}

}  // namespace flyt::virt
