#include "drivers/libvirt/ground_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>

namespace flyt::virt {
namespace {

Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml,
                               const char* name) {
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const pugi::xml_node root = document.child(name);
  if (parsed && !root.empty()) return root;
  return Error{Errc::corrupt, fmt::format("libvirt's description of a {} cannot be read", name),
               parsed ? fmt::format("there is no <{}>", name) : parsed.description()};
}

// libvirt writes sizes of storage in bytes.
std::optional<std::uint64_t> bytes_in(const pugi::xml_node& node) {
  const std::string_view digits = node.text().get();
  const std::string_view unit = node.attribute("unit").as_string("bytes");
  std::uint64_t value = 0;
  const auto [last, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || last != digits.data() + digits.size() || unit != "bytes") {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<PoolFacts> parse_pool(std::string_view xml) {
  pugi::xml_document document;
  FLYT_ASSIGN(const pugi::xml_node pool, root_of(document, xml, "pool"));
  PoolFacts facts;
  facts.uuid = pool.child("uuid").text().get();
  facts.name = pool.child("name").text().get();
  facts.type = pool.attribute("type").value();
  facts.path = pool.child("target").child("path").text().get();
  facts.capacity = bytes_in(pool.child("capacity"));
  facts.available = bytes_in(pool.child("available"));
  return facts;
}

Result<VolumeFacts> parse_volume(std::string_view xml) {
  pugi::xml_document document;
  FLYT_ASSIGN(const pugi::xml_node volume, root_of(document, xml, "volume"));
  const pugi::xml_node target = volume.child("target");
  const auto capacity = bytes_in(volume.child("capacity"));
  if (!capacity) return Error{Errc::corrupt, "libvirt states no capacity of a volume"};
  VolumeFacts facts;
  facts.name = volume.child("name").text().get();
  facts.key = volume.child("key").text().get();
  facts.path = target.child("path").text().get();
  facts.type = volume.attribute("type").value();
  facts.format = target.child("format").attribute("type").value();
  facts.backing = volume.child("backingStore").child("path").text().get();
  facts.modified = target.child("timestamps").child("mtime").text().get();
  facts.changed = target.child("timestamps").child("ctime").text().get();
  facts.capacity = *capacity;
  facts.allocation = bytes_in(volume.child("allocation")).value_or(0);
  return facts;
}

Result<NetworkFacts> parse_network(std::string_view xml) {
  pugi::xml_document document;
  FLYT_ASSIGN(const pugi::xml_node network, root_of(document, xml, "network"));
  NetworkFacts facts;
  facts.uuid = network.child("uuid").text().get();
  facts.name = network.child("name").text().get();
  facts.bridge = network.child("bridge").attribute("name").value();
  const pugi::xml_node forward = network.child("forward");
  if (!forward.empty()) facts.forward = forward.attribute("mode").as_string("nat");
  const std::string_view port = network.child("virtualport").attribute("type").value();
  facts.open_vswitch = port == "openvswitch";
  return facts;
}

Result<CapabilityFacts> parse_capabilities(std::string_view xml) {
  pugi::xml_document document;
  FLYT_ASSIGN(const pugi::xml_node capabilities, root_of(document, xml, "capabilities"));
  CapabilityFacts facts;
  const pugi::xml_node host = capabilities.child("host");
  facts.host_uuid = host.child("uuid").text().get();
  facts.architecture = host.child("cpu").child("arch").text().get();
  for (const pugi::xml_node guest : capabilities.children("guest")) {
    const pugi::xml_node arch = guest.child("arch");
    if (facts.architecture != arch.attribute("name").value()) continue;
    for (const pugi::xml_node domain : arch.children("domain")) {
      facts.kvm = facts.kvm || std::string_view(domain.attribute("type").value()) == "kvm";
    }
  }
  return facts;
}

bool emulates_tpm(std::string_view xml) {
  pugi::xml_document document;
  const auto root = root_of(document, xml, "domainCapabilities");
  if (!root) return false;
  const pugi::xml_node tpm = root->child("devices").child("tpm");
  const auto lists = [&tpm](const char* name, std::string_view wanted) {
    const pugi::xml_node known = tpm.find_child_by_attribute("enum", "name", name);
    const auto values = known.children("value");
    return std::any_of(values.begin(), values.end(), [wanted](const pugi::xml_node& value) {
      return value.text().get() == wanted;
    });
  };
  // Older daemons list no versions.
  const bool second = tpm.find_child_by_attribute("enum", "name", "backendVersion").empty() ||
                      lists("backendVersion", "2.0");
  return lists("model", "tpm-crb") && lists("backendModel", "emulator") && second;
}

std::string build_volume(const std::string& name, const std::string& format, std::uint64_t bytes) {
  pugi::xml_document document;
  pugi::xml_node volume = document.append_child("volume");
  volume.append_child("name").text().set(name.c_str());
  pugi::xml_node capacity = volume.append_child("capacity");
  capacity.append_attribute("unit").set_value("bytes");
  capacity.text().set(std::to_string(bytes).c_str());
  volume.append_child("allocation").text().set("0");
  pugi::xml_node target = volume.append_child("target");
  target.append_child("format").append_attribute("type").set_value(format.c_str());
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace flyt::virt
