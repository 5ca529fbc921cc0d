// VMware's management API on the wire: SOAP 1.1 with the types of urn:vim25. Requests are built,
// replies are taken apart; nothing here connects to anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace flyt::vsphere {

// A ManagedObjectReference: "VirtualMachine", "vm-64".
struct Ref {
  std::string type, value;
  bool operator==(const Ref&) const = default;
  bool operator<(const Ref& other) const;  // for maps
  bool empty() const { return value.empty(); }
};

// The elements inside a request, in the order in which they are added, which is the order that the
// API's description demands. Texts are escaped.
class Body {
 public:
  Body& text(std::string_view name, std::string_view value);
  Body& number(std::string_view name, std::int64_t value);
  Body& flag(std::string_view name, bool value);
  Body& ref(std::string_view name, const Ref& value);
  // `type`: the xsi:type, where the API wants one.
  Body& open(std::string_view name, std::string_view type = {});
  Body& close();  // the element that was opened last

  const std::string& xml() const { return xml_; }

 private:
  std::string xml_;
  std::vector<std::string> opened_;
};

// The whole request. REQUIRES: every open() of `body` has its close().
std::string envelope(std::string_view method, const Ref& self, const Body& body);

// A SOAP fault: VMware's own type and message.
struct Fault {
  std::string type;  // "InvalidPowerState"; empty: the reply does not say
  std::string message;
  std::string detail;  // names and states that the fault carries: "requestedState poweredOn"
};

struct Reply {
  std::unique_ptr<pugi::xml_document> document;
  pugi::xml_node content;  // the element METHODResponse
  Secret session = {};     // the cookie with which it was asked for
  // The first returnval, null where the method returns nothing.
  pugi::xml_node value() const;
};

struct Answer {
  Reply reply;
  std::unique_ptr<Fault> fault;  // set: there is no reply
};

// Errc::corrupt: not an answer to `method`. `what` begins errors.
Result<Answer> parse_answer(std::string_view method, std::string_view text, std::string_view what);

// A fault inside a value, such as the `error` of a task (LocalizedMethodFault).
Fault fault_in(pugi::xml_node localized);

Ref ref_of(pugi::xml_node node);
// Of the child `name`; {}: there is none.
Ref ref_child(pugi::xml_node node, std::string_view name);
// The xsi:type without its prefix: "VirtualDisk".
std::string type_of(pugi::xml_node node);
// Of the child `name`; nothing: no such child, or no number.
std::optional<std::int64_t> number_child(pugi::xml_node node, std::string_view name);
std::optional<bool> flag_child(pugi::xml_node node, std::string_view name);

}  // namespace flyt::vsphere
