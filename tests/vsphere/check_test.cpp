// What flyt check finds out: privileges, hosts, clocks, licences, ways to read disks.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "drivers/vsphere/hindrances.hpp"
#include "drivers/vsphere/privileges.hpp"
#include "drivers/vsphere/reach.hpp"
#include "drivers/vsphere/rights.hpp"
#include "tests/vsphere/canned_server.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

const Scope checking{"", "", true};

// The finding that holds `part`.
const Finding* finding(const std::vector<Finding>& all, const std::string& part) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Finding& one) { return holds(one.text, part); });
  return found == all.end() ? nullptr : &*found;
}

std::string told(const std::vector<Finding>& all) {
  std::string text;
  for (const Finding& one : all) text += fmt::format("{}\n", one.text);
  return text;
}

vsphere::ServerConfig server_of(const CannedServer& server) {
  const EndpointConfig endpoint = server.endpoint();
  vsphere::ServerConfig config;
  config.url = endpoint.values.at("url");
  config.user = "flyt@vsphere.local";
  config.password = [](const Call&) -> Result<Secret> { return Secret("hush-hush"); };
  config.trust.fingerprint = endpoint.values.at("fingerprint");
  return config;
}

std::string greeting(const std::string& api_type, const std::string& managers) {
  return soap(fmt::format(R"(<RetrieveServiceContentResponse xmlns="urn:vim25"><returnval>
<rootFolder type="Folder">group-d1</rootFolder>
<propertyCollector type="PropertyCollector">propertyCollector</propertyCollector>
<about><name>vSphere</name><fullName>vSphere 8.0.3</fullName><version>8.0.3</version>
<apiType>{}</apiType><apiVersion>8.0.3.0</apiVersion></about>
<sessionManager type="SessionManager">SessionManager</sessionManager>{}
</returnval></RetrieveServiceContentResponse>)",
                          api_type, managers));
}

// The answer to RetrievePropertiesEx about one object.
std::string one_object(const std::string& type, const std::string& id, const std::string& property,
                       const std::string& value) {
  return soap(fmt::format(R"(<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects>
<obj type="{}">{}</obj><propSet><name>{}</name><val>{}</val></propSet>
</objects></returnval></RetrievePropertiesExResponse>)",
                          type, id, property, value));
}

std::string granted(const std::string& type, const std::string& id,
                    const std::vector<std::pair<std::string, bool>>& privileges) {
  std::string text = fmt::format(R"(<returnval><entity type="{}">{}</entity>)", type, id);
  for (const auto& [privilege, is] : privileges) {
    text += fmt::format(
        "<privAvailability><privId>{}</privId><isGranted>{}</isGranted>"
        "</privAvailability>",
        privilege, is);
  }
  return text + "</returnval>";
}

std::string all_of(vsphere::On on, const std::string& type, const std::string& id,
                   const std::vector<std::string>& but = {}) {
  std::vector<std::pair<std::string, bool>> all;
  for (const vsphere::Privilege& one : vsphere::privileges()) {
    if (one.on != on) continue;
    all.emplace_back(one.id, std::find(but.begin(), but.end(), one.id) == but.end());
  }
  return granted(type, id, all);
}

// A vCenter that tells privileges; `answers`: of each kind of object.
std::vector<CannedAnswer> telling(const std::string& root, const std::string& machines,
                                  const std::string& datastores) {
  const auto answer = [](const std::string& content) {
    return soap("<HasPrivilegeOnEntitiesResponse xmlns=\"urn:vim25\">" + content +
                "</HasPrivilegeOnEntitiesResponse>");
  };
  auto all = vcenter_greeting();
  all[0].body = greeting("VirtualCenter",
                         "<authorizationManager type=\"AuthorizationManager\">AuthorizationManager"
                         "</authorizationManager>");
  all.push_back({"currentSession", 200,
                 one_object("SessionManager", "SessionManager", "currentSession",
                            "<key>52aa-bb</key><userName>VSPHERE.LOCAL\\flyt</userName>")});
  all.push_back({"<entity type=\"Folder\"", 200, answer(root)});
  all.push_back({"<entity type=\"VirtualMachine\"", 200, answer(machines)});
  all.push_back({"<entity type=\"Datastore\"", 200, answer(datastores)});
  return all;
}

// web01 is read in ranges from ds1, db01 by a lease from ds2.
Inventory two_machines() {
  Inventory found;
  found.storages = {{"datastore-1", "ds1", "VMFS", {}, {}}, {"datastore-2", "ds2", "vsan", {}, {}}};
  Machine web, db;
  web.id = "vm-1";
  web.name = "web01";
  web.disks.emplace_back().storage = "datastore-1";
  db.id = "vm-2";
  db.name = "db01";
  db.disks.emplace_back().storage = "datastore-2";
  db.disks[0].stream_only = true;
  found.machines = {web, db};
  return found;
}

}  // namespace

TEST_CASE("a user with the whole role lacks nothing") {
  using vsphere::On;
  const CannedServer server(telling(
      all_of(On::root, "Folder", "group-d1"),
      all_of(On::machine, "VirtualMachine", "vm-1") + all_of(On::machine, "VirtualMachine", "vm-2"),
      all_of(On::datastore, "Datastore", "datastore-1")));
  vsphere::Session session(server_of(server));
  const auto findings = take(vsphere::missing_rights(session, two_machines(), in_time()));
  INFO(told(findings));
  CHECK(findings.empty());
  bool with_key = false;
  for (const std::string& one : server.requests()) {
    with_key = with_key || holds(one, "<sessionId>52aa-bb</sessionId>");
  }
  CHECK(with_key);
}

TEST_CASE("each missing privilege is named with what it is missing on") {
  using vsphere::On;
  const std::vector<std::string> no_snapshots{"VirtualMachine.State.CreateSnapshot", "VApp.Export"};
  const CannedServer server(
      telling(all_of(On::root, "Folder", "group-d1", {"System.Read"}),
              all_of(On::machine, "VirtualMachine", "vm-1", no_snapshots) +
                  all_of(On::machine, "VirtualMachine", "vm-2", no_snapshots),
              all_of(On::datastore, "Datastore", "datastore-1", {"Datastore.Browse"})));
  vsphere::Session session(server_of(server));
  const auto findings = take(vsphere::missing_rights(session, two_machines(), in_time()));
  INFO(told(findings));
  REQUIRE(findings.size() == 4);
  CHECK(holds(findings[0].text, "flyt@vsphere.local may not see everything"));
  CHECK(holds(findings[0].text, "System.Read on the root folder"));
  // Once the whole role, then what is to be added.
  REQUIRE(findings[0].remedy.size() == 3);
  for (const vsphere::Privilege& one : vsphere::privileges()) {
    CHECK(holds(findings[0].remedy[1], std::string(" ") + std::string(one.id)));
  }
  CHECK(holds(findings[0].remedy[2], "-principal flyt@vsphere.local -role flyt"));

  CHECK(holds(findings[1].text, "Datastore.Browse on 1 of 1 datastores (ds1)"));
  CHECK_FALSE(holds(findings[1].text, "FileManagement"));
  CHECK(findings[1].must);
  CHECK(findings[1].remedy ==
        std::vector<std::string>{"govc role.update -a flyt Datastore.Browse"});
  // Only what is read so needs it.
  CHECK(holds(findings[2].text, "VApp.Export on 1 of 1 machines (db01)"));
  CHECK(holds(findings[3].text, "CreateSnapshot on 2 of 2 machines (web01, db01)"));
  CHECK(holds(findings[3].text, "must be off"));
  CHECK_FALSE(findings[3].must);
}

TEST_CASE("what the server does not say to be granted is missing") {
  using vsphere::On;
  const CannedServer server(telling(all_of(On::root, "Folder", "group-d1"),
                                    all_of(On::machine, "VirtualMachine", "vm-1"),
                                    all_of(On::datastore, "Datastore", "datastore-1")));
  vsphere::Session session(server_of(server));
  const auto findings = take(vsphere::missing_rights(session, two_machines(), in_time()));
  INFO(told(findings));
  REQUIRE(finding(findings, "PowerOff") != nullptr);
  CHECK(holds(finding(findings, "PowerOff")->text, "on 1 of 2 machines (db01)"));
}

TEST_CASE("a server that does not tell privileges is said to, and hinders nothing") {
  auto answers = telling("", "", "");
  answers.resize(answers.size() - 3);
  answers.push_back({"<HasPrivilegeOnEntities", 500,
                     soap("<soapenv:Fault><faultcode>ServerFaultCode</faultcode>"
                          "<faultstring>not here</faultstring><detail>"
                          "<MethodNotFoundFault xmlns=\"urn:vim25\" xsi:type=\"MethodNotFound\"/>"
                          "</detail></soapenv:Fault>")});
  const CannedServer server(answers);
  vsphere::Session session(server_of(server));
  const auto findings = take(vsphere::missing_rights(session, two_machines(), in_time()));
  REQUIRE(findings.size() == 1);
  CHECK(holds(findings[0].text, "it is not known which privileges"));
  CHECK(holds(findings[0].text, "not here"));
  CHECK_FALSE(findings[0].must);
  CHECK_FALSE(findings[0].remedy.empty());
}

TEST_CASE("a free ESXi and a clock that is off are found") {
  auto answers = vcenter_greeting();
  answers[0].body =
      greeting("HostAgent", "<licenseManager type=\"LicenseManager\">ha-licman</licenseManager>");
  answers.push_back({"<pathSet>licenses</pathSet>", 200,
                     one_object("LicenseManager", "ha-licman", "licenses",
                                "<LicenseManagerLicenseInfo><licenseKey>x</licenseKey>"
                                "<editionKey>esxBasic</editionKey>"
                                "<name>vSphere 8 Hypervisor</name></LicenseManagerLicenseInfo>")});
  const auto late = std::chrono::system_clock::now() - std::chrono::minutes(5);
  answers.push_back({"<CurrentTime", 200,
                     soap(fmt::format("<CurrentTimeResponse xmlns=\"urn:vim25\"><returnval>"
                                      "{:%Y-%m-%dT%H:%M:%S}.5Z</returnval></CurrentTimeResponse>",
                                      fmt::gmtime(std::chrono::system_clock::to_time_t(late))))});
  const CannedServer server(answers);
  vsphere::Session session(server_of(server));
  Inventory found;
  CHECK(told(vsphere::find_hindrances(session, {}, found, in_time())) == "ok");
  INFO(told(found.findings));
  const Finding* licence = finding(found.findings, "vSphere 8 Hypervisor");
  REQUIRE(licence != nullptr);
  CHECK(holds(licence->text, "allows only reading"));
  const Finding* clock = finding(found.findings, "the clock of");
  REQUIRE(clock != nullptr);
  CHECK(holds(clock->text, "5 min behind ours"));
  CHECK_FALSE(clock->must);
}

TEST_CASE("a server's certificate and clock are seen from its first page") {
  const CannedServer server({{"GET / ", 200, "welcome"}});
  const std::string url = server.endpoint().values.at("url");
  const vsphere::Reach seen = vsphere::look_at_server(url + "/", {}, in_time());
  REQUIRE_FALSE(seen.error);
  std::string offered;
  const std::string fingerprint = server.endpoint().values.at("fingerprint");
  for (const char c : fingerprint) {
    if (c != ':') offered += static_cast<char>(std::tolower(c));
  }
  CHECK(seen.untrusted == offered);
  REQUIRE(seen.ahead);
  CHECK(std::chrono::abs(*seen.ahead) < std::chrono::seconds(60));
  CHECK(vsphere::look_at_server("https://127.0.0.1:1/", {}, in_time()).error);
}

TEST_CASE("times are read as SOAP and HTTP write them") {
  const auto at = [](std::int64_t seconds) {
    return std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds));
  };
  CHECK(vsphere::soap_time("2026-11-24T01:12:44Z") == at(1795482764));
  CHECK(vsphere::soap_time("2026-11-24T01:12:44.123456Z") == at(1795482764));
  CHECK(vsphere::soap_time("2026-11-24T02:12:44+01:00") == at(1795482764));
  CHECK(vsphere::http_time("Tue, 24 Nov 2026 01:12:44 GMT") == at(1795482764));
  for (const char* wrong : {"", "yesterday", "2026-11-24T01:12:44", "2026-11-24T01:12:44Zx"}) {
    CHECK_FALSE(vsphere::soap_time(wrong));
  }
  CHECK_FALSE(vsphere::http_time("Tue, 24 Nov 2026 01:12:44 CET"));
}

TEST_CASE("an endpoint is checked without a change to it", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"datastores":[{"name":"vsan1","type":"vsan"}],"machines":[
    {"name":"web01","disks":[{"sizeMiB":1},{"sizeMiB":1}],"changeTracking":true},
    {"name":"db01","host":"DC0_H0","disks":[{"sizeMiB":1,"datastore":"vsan1"}]}]})");
  const Inventory found = take(connect(lab.endpoint())->inventory(checking, in_time()));
  INFO(told(found.findings));
  const Finding* host = finding(found.findings, "the host DC0_H0 does not answer");
  REQUIRE(host != nullptr);
  CHECK(host->must);
  CHECK(holds(host->text, "1 of its disks can only be read there"));
  // The others are told together, and need not be reached.
  const Finding* others = finding(found.findings, "the hosts DC0_C0_H0, DC0_C0_H1, DC0_C0_H2");
  REQUIRE(others != nullptr);
  CHECK_FALSE(others->must);
  CHECK(found.findings.size() == 2);  // the lab's user may do all, and its clock is ours
  CHECK(lab.counter("soap.HasPrivilegeOnEntities") == 3);
  const std::string notes = fmt::format("{}", fmt::join(found.notes, "\n"));
  INFO(notes);
  CHECK(holds(notes, "HTTPS ranges (a flat file on"));
  CHECK(holds(notes, "for 2 disks"));
  CHECK(holds(notes, "export leases ("));
  CHECK(holds(notes, "change tracking is on for 1 of 2 machines"));
  CHECK(lab.differences().empty());
}

TEST_CASE("a vSphere that does not say who may do what can still be checked", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1}]}]})");
  lab.control("POST", "/faults",
              {{"kind", "failMethod"},
               {"method", "HasPrivilegeOnEntities"},
               {"count", -1},
               {"fault", "NoPermission"},
               {"message", "not for you"}});
  const Inventory found = take(connect(lab.endpoint())->inventory(checking, in_time()));
  const Finding* rights = finding(found.findings, "it is not known which privileges");
  REQUIRE(rights != nullptr);
  CHECK(holds(rights->text, "not for you"));
  CHECK_FALSE(rights->must);
}

}  // namespace flyt::tests
