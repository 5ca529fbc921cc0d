#include "drivers/vsphere/soap.hpp"

#include "drivers/shared/xml.hpp"
#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

// As vCenter wraps it.
std::string envelope_of(const std::string& content) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"
 xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body>
)" + content +
         "\n</soapenv:Body>\n</soapenv:Envelope>";
}

Answer answer_to(std::string_view method, const std::string& text) {
  auto answer = parse_answer(method, text, "vc1");
  if (!answer) FAIL(answer.error().what << ": " << answer.error().seen);
  return *std::move(answer);
}

Fault fault_of(const std::string& content) {
  const Answer answer = answer_to("PowerOnVM_Task", envelope_of(content));
  REQUIRE(answer.fault);
  return *answer.fault;
}

}  // namespace

TEST_CASE("a request is written as the API's description wants it", "[vsphere]") {
  Body body;
  body.ref("container", {"Folder", "group-d1"}).text("type", "VirtualMachine");
  body.flag("recursive", true).number("maxObjects", -1);
  body.open("selectSet", "TraversalSpec").text("name", "a & b <c> \"d\"").close();
  CHECK(body.xml() ==
        "<container type=\"Folder\">group-d1</container><type>VirtualMachine</type>"
        "<recursive>true</recursive><maxObjects>-1</maxObjects>"
        "<selectSet xsi:type=\"TraversalSpec\"><name>a &amp; b &lt;c&gt; &quot;d&quot;</name>"
        "</selectSet>");
  const auto document =
      parse_xml(envelope("CreateContainerView", {"ViewManager", "View<Manager>"}, body), "request");
  REQUIRE(document);
  const auto call =
      xml_child(xml_child((*document)->document_element(), "Body"), "CreateContainerView");
  REQUIRE(call);
  CHECK(std::string_view(call.attribute("xmlns").value()) == "urn:vim25");
  CHECK(ref_child(call, "_this") == Ref{"ViewManager", "View<Manager>"});
  CHECK(xml_child_text(xml_child(call, "selectSet"), "name") == "a & b <c> \"d\"");
}

TEST_CASE("an answer is read, whatever its prefixes are", "[vsphere]") {
  const Answer login = answer_to("Login", envelope_of(R"(<LoginResponse xmlns="urn:vim25">
<returnval><key>52aa</key><userName>VSPHERE.LOCAL\flyt</userName></returnval></LoginResponse>)"));
  CHECK_FALSE(login.fault);
  CHECK(xml_child_text(login.reply.value(), "key") == "52aa");
  const Answer odd = answer_to("Login", R"(<S:Envelope xmlns:S="urn:s"><S:Header/><S:Body>
<n1:LoginResponse xmlns:n1="urn:vim25"><n1:returnval><n1:key>52bb</n1:key></n1:returnval>
</n1:LoginResponse></S:Body></S:Envelope>)");
  CHECK(xml_child_text(odd.reply.value(), "key") == "52bb");
  const Answer nothing =
      answer_to("Logout", envelope_of("<LogoutResponse xmlns=\"urn:vim25\"></LogoutResponse>"));
  CHECK_FALSE(nothing.fault);
  CHECK_FALSE(nothing.reply.value());
}

TEST_CASE("types are read without their prefixes, and from no other attribute", "[vsphere]") {
  const auto document = parse_xml(R"(<a xmlns:xsi="urn:i" xmlns:vim25="urn:v">
<b xsi:type="VirtualDisk"/><b XMLSchema-instance:type="vim25:VirtualDisk"/><b type="VirtualDisk"/>
<b xsi:nil="true" x:type="VirtualDisk"/><b/></a>)",
                                  "types");
  REQUIRE(document);
  std::vector<std::string> types;
  for (const auto node : (*document)->document_element().children()) {
    types.push_back(type_of(node));
  }
  CHECK(types == std::vector<std::string>{"VirtualDisk", "VirtualDisk", "", "VirtualDisk", ""});
}

TEST_CASE("references are read in lists and outside", "[vsphere]") {
  const auto document = parse_xml(R"(<a xmlns:xsi="urn:i">
<host type="HostSystem">host-21</host>
<ManagedObjectReference xsi:type="ManagedObjectReference" type="HostSystem">host-34
</ManagedObjectReference>
<ManagedObjectReference type="HostSystem" xsi:type="ManagedObjectReference">host-42
</ManagedObjectReference></a>)",
                                  "refs");
  REQUIRE(document);
  const auto root = (*document)->document_element();
  CHECK(ref_child(root, "host") == Ref{"HostSystem", "host-21"});
  const auto all = xml_children(root, "ManagedObjectReference");
  REQUIRE(all.size() == 2);
  CHECK(ref_of(all[0]) == Ref{"HostSystem", "host-34"});
  CHECK(ref_of(all[1]) == Ref{"HostSystem", "host-42"});
  CHECK(ref_child(root, "none").empty());
  CHECK(ref_child(root, "none") == Ref{});
  CHECK(Ref{"A", "2"} < Ref{"B", "1"});
  CHECK(Ref{"A", "1"} < Ref{"A", "2"});
  CHECK_FALSE(Ref{"A", "1"} < Ref{"A", "1"});
}

TEST_CASE("numbers and flags are read, or not at all", "[vsphere]") {
  const auto document = parse_xml(
      "<a><n>-5</n><big>9223372036854775807</big><over>9223372036854775808</over><h>0x10</h>"
      "<t>7 MB</t><e/><yes>true</yes><one>1</one><no>false</no><zero>0</zero><up>TRUE</up></a>",
      "numbers");
  REQUIRE(document);
  const auto root = (*document)->document_element();
  CHECK(number_child(root, "n") == -5);
  CHECK(number_child(root, "big") == INT64_MAX);
  for (const char* name : {"over", "h", "t", "e", "none"}) {
    INFO(name);
    CHECK_FALSE(number_child(root, name));
  }
  CHECK(flag_child(root, "yes") == true);
  CHECK(flag_child(root, "one") == true);
  CHECK(flag_child(root, "no") == false);
  CHECK(flag_child(root, "zero") == false);
  CHECK_FALSE(flag_child(root, "up").has_value());
  CHECK_FALSE(flag_child(root, "none").has_value());
}

TEST_CASE("a fault keeps VMware's words, its type and what it carries", "[vsphere]") {
  const Fault denied = fault_of(R"(<soapenv:Fault><faultcode>ServerFaultCode</faultcode>
<faultstring>Permission to perform this operation was denied.</faultstring>
<detail><NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission">
<object type="VirtualMachine">vm-73</object>
<privilegeId>VirtualMachine.State.CreateSnapshot</privilegeId>
</NoPermissionFault></detail></soapenv:Fault>)");
  CHECK(denied.type == "NoPermission");
  CHECK(denied.message == "Permission to perform this operation was denied.");
  CHECK(denied.detail == "object vm-73, privilegeId VirtualMachine.State.CreateSnapshot");
  // ESXi leaves the type out where the element's name says it.
  CHECK(fault_of(R"(<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring/>
<detail><InvalidPowerStateFault xmlns="urn:vim25"/></detail></soapenv:Fault>)")
            .type == "InvalidPowerState");
  const Fault bare = fault_of(
      "<soapenv:Fault><faultcode>Client</faultcode><faultstring>what?</faultstring>"
      "</soapenv:Fault>");
  CHECK(bare.type.empty());
  CHECK(bare.message == "what?");
  const Fault empty = fault_of("<soapenv:Fault/>");
  CHECK(empty.type.empty());
  CHECK(empty.message.empty());
}

TEST_CASE("what a fault carries is cut where it becomes a novel", "[vsphere]") {
  std::string novel;
  for (int i = 0; i != 1000; ++i) novel += "<argument>" + std::string(20, 'x') + "</argument>";
  const Fault fault = fault_of("<soapenv:Fault><detail><RuntimeFaultFault>" + novel +
                               "</RuntimeFaultFault></detail></soapenv:Fault>");
  CHECK(fault.detail.size() < 500);
}

TEST_CASE("the error of a task is a fault as well", "[vsphere]") {
  const auto document = parse_xml(R"(<val xmlns:xsi="urn:i" xsi:type="LocalizedMethodFault">
<fault xsi:type="FileLocked"><file>[ds] web01/web01.vmdk</file></fault>
<localizedMessage>Unable to access file since it is locked</localizedMessage></val>)",
                                  "task");
  REQUIRE(document);
  const Fault fault = fault_in((*document)->document_element());
  CHECK(fault.type == "FileLocked");
  CHECK(fault.message == "Unable to access file since it is locked");
  CHECK(fault.detail == "file [ds] web01/web01.vmdk");
}

TEST_CASE("what is no answer is refused with the question", "[vsphere]") {
  const std::string good = envelope_of("<LoginResponse xmlns=\"urn:vim25\"/>");
  const std::vector<std::string> bad = {"",
                                        "hello",
                                        "<html><body>503</body></html>",
                                        "<!DOCTYPE html><html></html>",
                                        "<soapenv:Envelope/>",
                                        "<Envelope><Body/></Envelope>",
                                        envelope_of("<LogoutResponse/>"),
                                        envelope_of("text"),
                                        good.substr(0, good.size() - 10)};
  for (const std::string& text : bad) {
    INFO(text);
    const auto answer = parse_answer("Login", text, "Login at vc1");
    REQUIRE_FALSE(answer);
    CHECK((answer.error().code == Errc::corrupt || answer.error().code == Errc::invalid));
    CHECK(answer.error().what.find("Login at vc1: ") == 0);
  }
}

}  // namespace flyt::vsphere
