#include "movers/convert/domain_xml.hpp"

#include <fmt/format.h>

#include "base/units.hpp"
#include "base/xml_escape.hpp"
#include "movers/convert/overlay_map.hpp"

namespace flyt {
namespace {

// sda ... sdz, sdaa ...: bijective base 26.
std::string device_name(std::size_t index) {
  std::string letters;
  for (std::size_t left = index + 1; left > 0; left = (left - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (left - 1) % 26));
  }
  return "sd" + letters;
}

// A plain file with discard='ignore' is not enough: virt-v2v runs its own qemu-nbd with
// --discard=unmap. Inside a json: name the driver's own setting wins.
std::string disk(const std::filesystem::path& overlay, std::size_t index) {
  const std::string name = fmt::format(
      R"(json:{{"driver":"qcow2","discard":"ignore","file":{{"driver":"file","filename":{}}}}})",
      json_string(overlay.native()));
  return fmt::format(
      "    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
      "<source file='{}'/><target dev='{}' bus='scsi'/></disk>\n",
      xml_escape(name), device_name(index));
}

}  // namespace

std::string conversion_domain(const Machine& source,
                              const std::vector<std::filesystem::path>& overlays, bool kvm) {
  std::string devices;
  for (std::size_t i = 0; i < overlays.size(); ++i) devices += disk(overlays[i], i);
  for (const Nic& nic : source.nics) {
    const std::string mac =
        nic.mac.empty() ? "" : fmt::format("<mac address='{}'/>", xml_escape(nic.mac));
    devices += fmt::format("    <interface type='user'>{}<model type='e1000'/></interface>\n", mac);
  }
  const bool uefi = source.firmware.kind == FirmwareKind::uefi;
  return fmt::format(
      "<domain type='{}'>\n  <name>{}</name>\n  <memory unit='MiB'>{}</memory>\n"
      "  <vcpu>{}</vcpu>\n  <os{}><type arch='x86_64'>hvm</type></os>\n"
      "  <features><acpi/></features>\n  <devices>\n{}  </devices>\n</domain>\n",
      kvm ? "kvm" : "qemu", xml_escape(source.name), source.memory_bytes.value_or(512 * mib) / mib,
      source.cpus.value_or(1), uefi ? " firmware='efi'" : "", devices);
}

}  // namespace flyt
