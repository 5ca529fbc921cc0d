#include "drivers/vsphere/soap.hpp"

#include <fmt/format.h>

#include <charconv>
#include <tuple>

#include "base/xml_escape.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

// A page of the property collector with every device of a hundred machines has some MiB.
constexpr XmlLimits reply_limits{std::size_t{256} << 20, 20'000'000, 64, true};
constexpr std::size_t shown_detail = 400;

// "name value" of every leaf: what a person needs to see of a fault that we do not know.
void describe(pugi::xml_node node, std::string& out) {
  for (const pugi::xml_node child : node.children()) {
    if (child.type() != pugi::node_element || out.size() > shown_detail) continue;
    const std::string text = xml_text(child);
    if (!text.empty()) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", local_name(child.name()), text);
    }
    describe(child, out);
  }
}

pugi::xml_node first_element(pugi::xml_node node) {
  for (const pugi::xml_node child : node.children()) {
    if (child.type() == pugi::node_element) return child;
  }
  return {};
}

Fault fault_of(pugi::xml_node node) {
  Fault fault;
  fault.message = xml_child_text(node, "faultstring");
  const pugi::xml_node detail = first_element(xml_child(node, "detail"));
  if (detail) {
    fault.type = type_of(detail);
    std::string_view name = local_name(detail.name());
    if (fault.type.empty()) {
      if (name.ends_with("Fault")) name.remove_suffix(std::string_view("Fault").size());
      fault.type = name;
    }
    describe(detail, fault.detail);
  }
  return fault;
}

}  // namespace

Body& Body::text(std::string_view name, std::string_view value) {
  xml_ += fmt::format("<{0}>{1}</{0}>", name, xml_escape(value));
  return *this;
}

Body& Body::number(std::string_view name, std::int64_t value) {
  return text(name, std::to_string(value));
}

Body& Body::flag(std::string_view name, bool value) { return text(name, value ? "true" : "false"); }

Body& Body::ref(std::string_view name, const Ref& value) {
  xml_ += fmt::format("<{0} type=\"{1}\">{2}</{0}>", name, xml_escape(value.type),
                      xml_escape(value.value));
  return *this;
}

Body& Body::open(std::string_view name, std::string_view type) {
  xml_ += type.empty() ? fmt::format("<{}>", name)
                       : fmt::format("<{} xsi:type=\"{}\">", name, xml_escape(type));
  opened_.emplace_back(name);
  return *this;
}

Body& Body::close() {
  xml_ += fmt::format("</{}>", opened_.back());
  opened_.pop_back();
  return *this;
}

std::string envelope(std::string_view method, const Ref& self, const Body& body) {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
      "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\""
      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>"
      "<{0} xmlns=\"urn:vim25\"><_this type=\"{1}\">{2}</_this>{3}</{0}>"
      "</soapenv:Body></soapenv:Envelope>",
      method, xml_escape(self.type), xml_escape(self.value), body.xml());
}

pugi::xml_node Reply::value() const { return xml_child(content, "returnval"); }

Result<Answer> parse_answer(std::string_view method, std::string_view text, std::string_view what) {
  FLYT_ASSIGN(auto document, parse_xml(text, what, reply_limits));
  const pugi::xml_node envelope = document->document_element();
  const pugi::xml_node body = xml_child(envelope, "Body");
  if (local_name(envelope.name()) != "Envelope" || !body) {
    return Error{Errc::corrupt, fmt::format("{}: the answer is no SOAP", what),
                 fmt::format("its first element is {}", envelope.name())};
  }
  Answer answer;
  if (const pugi::xml_node fault = xml_child(body, "Fault")) {
    answer.fault = std::make_unique<Fault>(fault_of(fault));
    return answer;
  }
  answer.reply.content = xml_child(body, fmt::format("{}Response", method));
  if (!answer.reply.content) {
    return Error{Errc::corrupt, fmt::format("{}: the answer is none to {}", what, method),
                 fmt::format("it holds {}", first_element(body).name())};
  }
  answer.reply.document = std::move(document);
  return answer;
}

Fault fault_in(pugi::xml_node localized) {
  Fault fault;
  fault.message = xml_child_text(localized, "localizedMessage");
  const pugi::xml_node inner = xml_child(localized, "fault");
  fault.type = type_of(inner);
  describe(inner, fault.detail);
  return fault;
}

bool Ref::operator<(const Ref& other) const {
  return std::tie(type, value) < std::tie(other.type, other.value);
}

Ref ref_of(pugi::xml_node node) {
  if (!node) return {};
  // Not xsi:type, which stands beside it in lists.
  return {node.attribute("type").value(), xml_text(node)};
}

Ref ref_child(pugi::xml_node node, std::string_view name) { return ref_of(xml_child(node, name)); }

std::string type_of(pugi::xml_node node) {
  for (const pugi::xml_attribute attribute : node.attributes()) {
    const std::string_view name = attribute.name();
    if (name.find(':') != std::string_view::npos && local_name(name) == "type") {
      return std::string(local_name(attribute.value()));
    }
  }
  return {};
}

std::optional<std::int64_t> number_child(pugi::xml_node node, std::string_view name) {
  const std::string text = xml_child_text(node, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<bool> flag_child(pugi::xml_node node, std::string_view name) {
  const std::string text = xml_child_text(node, name);
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return {};
}

}  // namespace flyt::vsphere
