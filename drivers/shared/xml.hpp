// XML that others have written, read with distrust. Names are compared without their prefix.
#pragma once

#include <cstddef>
#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt {

struct XmlLimits {
  std::size_t bytes = std::size_t{8} << 20;
  std::size_t nodes = 500'000;  // elements, attributes and texts
  unsigned depth = 64;
  // Text that is no clean UTF-8 is read with U+FFFD in it, and refuses nothing: servers pass on
  // what their users once wrote, and one such name must not hide all others.
  bool mend_text = false;
};

// Errc::invalid: too large or deep, a document type (so no entity is ever expanded but the five
// that XML has), text that is not UTF-8 or holds control characters. Errc::corrupt: not XML.
// `what` begins the error: "web01.ova: web01.ovf".
Result<std::unique_ptr<pugi::xml_document>> parse_xml(std::string_view text, std::string_view what,
                                                      const XmlLimits& limits = {});

std::string_view local_name(std::string_view qualified);  // "rasd:Parent" gives "Parent"

// The first child element, all child elements, or attribute of that local name; null: none.
pugi::xml_node xml_child(pugi::xml_node node, std::string_view name);
std::vector<pugi::xml_node> xml_children(pugi::xml_node node, std::string_view name);
pugi::xml_attribute xml_attribute(pugi::xml_node node, std::string_view name);

// Trimmed; empty where there is none.
std::string xml_text(pugi::xml_node node);
std::string xml_child_text(pugi::xml_node node, std::string_view name);
std::string xml_attribute_text(pugi::xml_node node, std::string_view name);

}  // namespace flyt
