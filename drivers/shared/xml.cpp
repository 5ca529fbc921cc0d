#include "drivers/shared/xml.hpp"

#include <fmt/format.h>

#include "drivers/shared/utf8.hpp"

namespace flyt {
namespace {

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// Walks the tree once and says what is wrong with it, or nothing.
class Inspector : public pugi::xml_tree_walker {
 public:
  explicit Inspector(const XmlLimits& limits) : limits_(limits) {}
  const std::string& problem() const { return problem_; }

  bool for_each(pugi::xml_node& node) override {
    ++nodes_;
    if (node.type() == pugi::node_doctype) problem_ = "it has a document type, which flyt refuses";
    // pugixml counts from 0.
    if (depth() >= static_cast<int>(limits_.depth)) problem_ = "its elements are nested too deep";
    look_at(node.name());
    look_at_value(node);
    for (pugi::xml_attribute attribute : node.attributes()) {
      ++nodes_;
      look_at(attribute.name());
      look_at_value(attribute);
    }
    if (nodes_ > limits_.nodes) problem_ = "it has too many elements";
    return problem_.empty();
  }

 private:
  void look_at(std::string_view text) {
    if (!is_clean_utf8(text, true)) problem_ = "it holds text that is no clean UTF-8";
  }

  template <typename T>
  void look_at_value(T& holder) {
    if (is_clean_utf8(holder.value(), true)) return;
    if (!limits_.mend_text) return look_at(holder.value());
    holder.set_value(clean_utf8(holder.value(), true).c_str());
  }

  const XmlLimits& limits_;
  std::size_t nodes_ = 0;
  std::string problem_;
};

}  // namespace

Result<std::unique_ptr<pugi::xml_document>> parse_xml(std::string_view text, std::string_view what,
                                                      const XmlLimits& limits) {
  if (text.size() > limits.bytes) {
    return Error{Errc::invalid,
                 fmt::format("{}: {} bytes of XML, limit {}", what, text.size(), limits.bytes)};
  }
  auto document = std::make_unique<pugi::xml_document>();
  const pugi::xml_parse_result parsed =
      document->load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_doctype);
  Inspector inspector(limits);
  document->traverse(inspector);
  if (!inspector.problem().empty()) {
    return Error{Errc::invalid, fmt::format("{}: {}", what, inspector.problem())};
  }
  if (!parsed) {
    return Error{Errc::corrupt, fmt::format("{}: this is no XML", what),
                 fmt::format("{} at byte {}", parsed.description(), parsed.offset)};
  }
  return document;
}

std::string_view local_name(std::string_view qualified) {
  const auto colon = qualified.rfind(':');
  return colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
}

pugi::xml_node xml_child(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_node child : node.children()) {
    if (child.type() == pugi::node_element && local_name(child.name()) == name) return child;
  }
  return {};
}

std::vector<pugi::xml_node> xml_children(pugi::xml_node node, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node child : node.children()) {
    if (child.type() == pugi::node_element && local_name(child.name()) == name) {
      found.push_back(child);
    }
  }
  return found;
}

pugi::xml_attribute xml_attribute(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_attribute attribute : node.attributes()) {
    const std::string_view qualified = attribute.name();
    if (qualified.substr(0, 5) != "xmlns" && local_name(qualified) == name) return attribute;
  }
  return {};
}

std::string xml_text(pugi::xml_node node) { return trim(node.text().get()); }

std::string xml_child_text(pugi::xml_node node, std::string_view name) {
  return xml_text(xml_child(node, name));
}

std::string xml_attribute_text(pugi::xml_node node, std::string_view name) {
  return trim(xml_attribute(node, name).value());
}

}  // namespace flyt
