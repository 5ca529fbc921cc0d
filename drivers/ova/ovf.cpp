#include "drivers/ova/ovf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "base/lower_case.hpp"
#include "base/units.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::ova {
namespace {

constexpr unsigned deepest_collection = 8;
// Far beyond any vApp; what is looked up among so many, each for each, stays quick.
constexpr std::size_t most_of_a_kind = 1000, most_items = 10'000;

std::string compact(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) lower += lower_case(c);
  }
  return lower;
}

std::optional<std::uint64_t> power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t value = 1;
  for (; exponent != 0; --exponent) {
    if (value > std::numeric_limits<std::uint64_t>::max() / base) return std::nullopt;
    value *= base;
  }
  return value;
}

class Reader {
 public:
  explicit Reader(std::string_view what) : what_(what) {}

  Result<OvfPackage> package(std::string_view text) {
    FLYT_ASSIGN(const auto document, parse_xml(text, what_));
    const pugi::xml_node envelope = xml_child(document->root(), "Envelope");
    if (!envelope) return corrupt("it has no Envelope, so it is no OVF descriptor");
    FLYT_TRY(files(xml_child(envelope, "References")));
    FLYT_TRY(disks(xml_child(envelope, "DiskSection")));
    for (const auto network : xml_children(xml_child(envelope, "NetworkSection"), "Network")) {
      FLYT_TRY(within_limit(package_.networks.size(), most_of_a_kind, "networks"));
      package_.networks.push_back(xml_attribute_text(network, "name"));
    }
    package_.encrypted = xml_child(envelope, "EncryptionSection") ||
                         xml_child(envelope, "EncryptedData") || package_.encrypted;
    choose_configuration(xml_child(envelope, "DeploymentOptionSection"));
    FLYT_TRY(systems(envelope, deepest_collection));
    if (package_.systems.empty()) return corrupt("it describes no machine");
    return std::move(package_);
  }

 private:
  Status files(pugi::xml_node references) {
    std::set<std::string> ids;
    for (const auto node : xml_children(references, "File")) {
      FLYT_TRY(within_limit(package_.files.size(), most_of_a_kind, "files"));
      OvfFile file{xml_attribute_text(node, "id"), xml_attribute_text(node, "href")};
      file.compression = compact(xml_attribute_text(node, "compression"));
      file.chunked = !xml_attribute(node, "chunkSize").empty();
      if (const std::string size = xml_attribute_text(node, "size"); !size.empty()) {
        file.size_bytes = ovf_number(size);
        if (!file.size_bytes) return corrupt(fmt::format("file {}: size {}", file.id, size));
      }
      if (file.id.empty() || file.href.empty()) return corrupt("a file without id or href");
      if (!ids.insert(file.id).second) return corrupt(fmt::format("two files {}", file.id));
      package_.files.push_back(std::move(file));
    }
    return ok();
  }

  Status disks(pugi::xml_node section) {
    std::set<std::string> ids;
    for (const auto node : xml_children(section, "Disk")) {
      FLYT_TRY(within_limit(package_.disks.size(), most_of_a_kind, "disks"));
      OvfDisk disk{xml_attribute_text(node, "diskId"), xml_attribute_text(node, "fileRef"),
                   xml_attribute_text(node, "format"), xml_attribute_text(node, "parentRef")};
      if (disk.id.empty()) return corrupt("a disk without id");
      if (!ids.insert(disk.id).second) return corrupt(fmt::format("two disks {}", disk.id));
      FLYT_ASSIGN(disk.capacity_bytes, capacity(node, disk.id));
      if (const std::string text = xml_attribute_text(node, "populatedSize"); !text.empty()) {
        disk.populated_bytes = ovf_number(text);  // only an estimate; a bad one is none
      }
      if (disk.populated_bytes > disk.capacity_bytes) disk.populated_bytes.reset();
      package_.disks.push_back(std::move(disk));
    }
    return ok();
  }

  Result<std::uint64_t> capacity(pugi::xml_node node, const std::string& disk) const {
    const std::string text = xml_attribute_text(node, "capacity");
    const std::string units = xml_attribute_text(node, "capacityAllocationUnits");
    const auto count = ovf_number(text);
    const auto unit = ovf_unit(units, 1);
    const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!count || !unit || (*count != 0 && *unit > most / *count)) {
      return corrupt(fmt::format("disk {}: capacity \"{}\" in units of \"{}\"", disk, text, units));
    }
    return *count * *unit;
  }

  void choose_configuration(pugi::xml_node section) {
    for (const auto node : xml_children(section, "Configuration")) {
      const bool chosen = xml_attribute_text(node, "default") == "true";
      if (configuration_.empty() || chosen) configuration_ = xml_attribute_text(node, "id");
      if (chosen) return;
    }
  }

  Status systems(pugi::xml_node parent, unsigned depth) {
    for (const auto node : xml_children(parent, "VirtualSystem")) {
      FLYT_TRY(within_limit(package_.systems.size(), most_of_a_kind, "machines"));
      FLYT_ASSIGN(OvfSystem one, system(node));
      const bool known = std::any_of(package_.systems.begin(), package_.systems.end(),
                                     [&one](const OvfSystem& other) { return other.id == one.id; });
      if (known) return corrupt(fmt::format("two machines of the id \"{}\"", one.id));
      package_.systems.push_back(std::move(one));
    }
    for (const auto node : xml_children(parent, "VirtualSystemCollection")) {
      if (depth == 0) return corrupt("its collections of machines are nested too deep");
      FLYT_TRY(systems(node, depth - 1));
    }
    return ok();
  }

  Result<OvfSystem> system(pugi::xml_node node) {
    OvfSystem system{xml_attribute_text(node, "id"), xml_child_text(node, "Name")};
    const pugi::xml_node os = xml_child(node, "OperatingSystemSection");
    system.os_id = xml_attribute_text(os, "id");
    system.os_type = xml_attribute_text(os, "osType");
    system.os_name = xml_child_text(os, "Description");
    system.notes = xml_child_text(xml_child(node, "AnnotationSection"), "Annotation");
    // Several hardware sections are alternatives for several hypervisors; the first is VMware's.
    const pugi::xml_node hardware = xml_child(node, "VirtualHardwareSection");
    system.hardware = xml_child_text(xml_child(hardware, "System"), "VirtualSystemType");
    for (const auto child : hardware.children()) {
      const std::string_view name = local_name(child.name());
      if (name == "Item" || name == "StorageItem" || name == "EthernetPortItem") {
        FLYT_TRY(add_item(child, system.items));
      } else if (name == "Config" || name == "ExtraConfig") {
        system.config[xml_attribute_text(child, "key")] = xml_attribute_text(child, "value");
      }
      if (name == "EncryptedData") package_.encrypted = true;
    }
    return system;
  }

  // Items may stand there once for every configuration, and with bounds beside the normal value.
  Status add_item(pugi::xml_node node, std::vector<OvfItem>& items) {
    FLYT_TRY(within_limit(items_++, most_items, "items"));
    if (const auto bound = xml_attribute(node, "bound"); bound) {
      if (std::string_view(bound.value()) != "normal") return ok();
    }
    const std::string wanted = xml_attribute_text(node, "configuration");
    if (!wanted.empty() && !lists(wanted, configuration_)) return ok();
    FLYT_ASSIGN(OvfItem one, item(node));
    const auto same = std::find_if(items.begin(), items.end(), [&one](const OvfItem& other) {
      return other.instance == one.instance;
    });
    if (same == items.end()) {
      items.push_back(std::move(one));
    } else if (!wanted.empty()) {
      *same = std::move(one);
    } else {
      return corrupt(fmt::format("two items with InstanceID {}", one.instance));
    }
    return ok();
  }

  static bool lists(std::string_view words, std::string_view word) {
    return fmt::format(" {} ", words).find(fmt::format(" {} ", word)) != std::string::npos;
  }

  Result<OvfItem> item(pugi::xml_node node) const {
    OvfItem item{xml_child_text(node, "InstanceID"), xml_child_text(node, "Parent")};
    if (item.instance.empty()) item.instance = xml_child_text(node, "InstanceId");  // OVF 0.9
    const std::string type = xml_child_text(node, "ResourceType");
    const auto number = ovf_number(type);
    if (item.instance.empty() || !number || *number > 0xffff) {
      return corrupt(fmt::format("item \"{}\" of the type \"{}\"", item.instance, type));
    }
    item.type = static_cast<unsigned>(*number);
    item.sub_type = xml_child_text(node, "ResourceSubType");
    item.name = xml_child_text(node, "ElementName");
    item.description = xml_child_text(node, "Description");
    item.address = xml_child_text(node, "Address");
    item.address_on_parent = xml_child_text(node, "AddressOnParent");
    item.units = xml_child_text(node, "AllocationUnits");
    item.quantity = xml_child_text(node, "VirtualQuantity");
    item.connection = xml_child_text(node, "Connection");
    item.host_resource = xml_child_text(node, "HostResource");
    item.cores_per_socket = xml_child_text(node, "CoresPerSocket");
    if (const std::string text = xml_child_text(node, "AutomaticAllocation"); !text.empty()) {
      item.automatic = compact(text) == "true" || text == "1";
    }
    for (const auto config : xml_children(node, "Config")) {
      item.config[xml_attribute_text(config, "key")] = xml_attribute_text(config, "value");
    }
    return item;
  }

  Status within_limit(std::size_t there, std::size_t most, std::string_view things) const {
    if (there < most) return ok();
    return Error{Errc::invalid, fmt::format("{}: it has more than {} {}", what_, most, things)};
  }

  Error corrupt(std::string_view text) const {
    return {Errc::corrupt, fmt::format("{}: {}", what_, text)};
  }

  std::string_view what_;
  std::string configuration_;
  std::size_t items_ = 0;  // of all machines
  OvfPackage package_;
};

}  // namespace

Result<OvfPackage> parse_ovf(std::string_view text, std::string_view what) {
  return Reader(what).package(text);
}

std::optional<std::uint64_t> ovf_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<std::uint64_t> ovf_unit(std::string_view text, std::uint64_t otherwise) {
  // Words of OVF 0.9 and 1.0 that are still met; the rest is DSP0004's "byte * 2^20".
  struct Word {
    std::string_view word;
    std::uint64_t bytes;
  };
  static constexpr std::array words{Word{"byte", 1}, Word{"bytes", 1}, Word{"kilobytes", kib},
                                    Word{"kb", kib}, Word{"kib", kib}, Word{"megabytes", mib},
                                    Word{"mb", mib}, Word{"mib", mib}, Word{"gigabytes", gib},
                                    Word{"gb", gib}, Word{"gib", gib}, Word{"terabytes", tib},
                                    Word{"tb", tib}, Word{"tib", tib}};
  const std::string unit = compact(text);
  if (unit.empty()) return otherwise;
  for (const Word& known : words) {
    if (unit == known.word) return known.bytes;
  }
  const std::string_view start = "byte*";
  const auto caret = unit.find('^');
  if (unit.compare(0, start.size(), start) != 0) return std::nullopt;
  const auto base = ovf_number(std::string_view(unit).substr(0, caret).substr(start.size()));
  if (caret == std::string::npos) return base && *base != 0 ? base : std::nullopt;
  const auto exponent = ovf_number(std::string_view(unit).substr(caret + 1));
  if (!base || (*base != 2 && *base != 10) || !exponent || *exponent > 63) return std::nullopt;
  return power(*base, *exponent);
}

}  // namespace flyt::ova
