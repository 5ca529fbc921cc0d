// Tags of machines, from the REST interface of a vCenter.
#include <algorithm>

#include "tests/vsphere/canned_server.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

constexpr const char* tagged = R"({"machines":[
  {"name":"db01","tags":[{"category":"env","name":"prod"}],"customValues":{"owner":"x"}},
  {"name":"none"},
  {"name":"web01","tags":[{"category":"env","name":"prod"},{"category":"backup","name":"nightly"},
    {"category":"Økonomi","name":"løn \"7\""}]}]})";

using Words = std::vector<std::string>;

// A vCenter with one machine, vm-7, whose REST interface answers as `rest` says.
std::vector<CannedAnswer> vcenter_with(const std::vector<CannedAnswer>& rest) {
  std::vector<CannedAnswer> all = rest;
  const auto add = [&all](const std::vector<CannedAnswer>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  const auto page = [](const std::string& objects) {
    return soap("<RetrievePropertiesExResponse xmlns=\"urn:vim25\"><returnval>" + objects +
                "</returnval></RetrievePropertiesExResponse>");
  };
  add(vcenter_greeting());
  add({{"<CreateContainerView", 200, soap(R"(<CreateContainerViewResponse xmlns="urn:vim25">
<returnval type="ContainerView">v</returnval></CreateContainerViewResponse>)")},
       {"<type>VirtualMachine</type>", 200,
        page(R"(<objects><obj type="VirtualMachine">vm-7</obj><propSet><name>name</name>
<val xsi:type="xsd:string">web01</val></propSet></objects>)")},
       {"<RetrievePropertiesEx", 200, page("")},
       {"<DestroyView", 200, soap("<DestroyViewResponse xmlns=\"urn:vim25\"/>")}});
  return all;
}

struct Asked {
  Inventory inventory;
  Words requests;  // of the REST interface: "GET /api/..."
  bool token_shown = false;
};

Asked ask(const std::vector<CannedAnswer>& rest) {
  const CannedServer server(vcenter_with(rest));
  Asked asked;
  asked.inventory = take(connect(server.endpoint())->inventory({}, in_time()));
  for (const std::string& request : server.requests()) {
    if (request.starts_with("POST /sdk")) continue;
    asked.requests.push_back(request.substr(0, request.find('\n')));
    asked.token_shown = asked.token_shown || holds(request, "vmware-api-session-id: t0ken");
    CHECK_FALSE(holds(asked.requests.back(), "hush"));
  }
  return asked;
}

bool notes(const Inventory& inventory, const std::string& text) {
  return std::any_of(inventory.notes.begin(), inventory.notes.end(),
                     [&](const std::string& note) { return holds(note, text); });
}

const CannedAnswer login{"POST /api/session", 201, "\"t0ken\""};
const CannedAnswer logout{"DELETE /api/session", 204, ""};

}  // namespace

TEST_CASE("tags are read beside custom attributes", "[vsphere]") {
  FLYT_VSPHERE(lab, tagged);
  const auto driver = connect(lab.endpoint());
  const Inventory found = take(driver->inventory({}, in_time()));
  REQUIRE(found.machines.size() == 3);
  CHECK(found.machines[0].tags == Words{"owner:x", "env:prod"});
  CHECK(found.machines[1].tags.empty());
  CHECK(found.machines[2].tags == Words{"backup:nightly", "env:prod", "Økonomi:løn \"7\""});
  CHECK(found.notes.empty());
  const std::vector<Concern>& concerns = found.machines[2].concerns;
  const auto backup = std::find_if(concerns.begin(), concerns.end(),
                                   [](const Concern& one) { return one.code == "V-BACKUP"; });
  REQUIRE(backup != concerns.end());
  CHECK(holds(backup->text, "backup:nightly"));
  CHECK(lab.counter("sessions.rest.opened") == 1);
  CHECK(lab.counter("sessions.rest.loggedOut") == 1);
  CHECK(lab.counter("login.refused") == 0);
}

TEST_CASE("a single host says that it has no tags", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01"}]})", {"-esx"});
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  CHECK(found.machines.size() == 1);
  CHECK(notes(found, "no tags"));
  CHECK(lab.counter("rest.requests") == 0);
}

TEST_CASE("more machines than one question holds are asked for in several", "[vsphere]") {
  FLYT_VSPHERE(lab, {}, {"-vms", "300"});
  const Inventory found = take(connect(lab.endpoint())->inventory({}, in_time()));
  CHECK(found.machines.size() == 600);
  CHECK(found.notes.empty());
  CHECK(lab.counter("rest.requests") == 4);  // in, two questions, out
}

TEST_CASE("the older interface is asked where there is no newer one", "[vsphere]") {
  const auto tag = [](const std::string& id, const std::string& name) {
    return CannedAnswer{
        "/rest/com/vmware/cis/tagging/tag/id:" + id, 200,
        R"({"value":{"id":")" + id + R"(","name":")" + name + R"(","category_id":"urn:c:1"}})"};
  };
  const Asked asked = ask({{"/rest/com/vmware/cis/session", 200, R"({"value":"t0ken"})"},
                           {"tag-association?~action=list-attached-tags-on-objects", 200,
                            R"({"value":[{"object_id":{"id":"vm-7","type":"VirtualMachine"},
            "tag_ids":["urn:t:2","urn:t:1","urn:t:gone"]}]})"},
                           tag("urn%3At%3A1", "prod"),
                           tag("urn%3At%3A2", "web\\u001b[31m"),
                           {"/rest/com/vmware/cis/tagging/category/id:urn%3Ac%3A1", 200,
                            R"({"value":{"id":"urn:c:1","name":"env"}})"}});
  CHECK(asked.inventory.machines.at(0).tags == Words{"env:prod", "env:web\ufffd[31m"});
  CHECK(asked.inventory.notes.empty());
  CHECK(asked.token_shown);
  REQUIRE_FALSE(asked.requests.empty());
  CHECK(asked.requests.front() == "POST /api/session");
  CHECK(asked.requests.back() == "DELETE /rest/com/vmware/cis/session");
  CHECK(std::count(asked.requests.begin(), asked.requests.end(),
                   "GET /rest/com/vmware/cis/tagging/category/id:urn%3Ac%3A1") == 1);
}

TEST_CASE("without a REST interface there is an inventory, and a note", "[vsphere]") {
  const Asked asked = ask({});
  CHECK(asked.inventory.machines.size() == 1);
  CHECK(notes(asked.inventory, "has no REST interface"));
}

TEST_CASE("a user who may not see tags has an inventory, and a note", "[vsphere]") {
  const std::string refused =
      R"({"error_type":"UNAUTHORIZED","messages":[{"default_message":"Not for you.","args":[]}]})";
  for (const CannedAnswer& answer : {CannedAnswer{"POST /api/session", 401, refused},
                                     CannedAnswer{"tag-association", 403, refused},
                                     CannedAnswer{"tag-association", 503, refused},
                                     CannedAnswer{"tag-association", 500,
                                                  R"({"type":"com.vmware.vapi.std.errors.error",
                         "value":{"messages":[{"default_message":"Not for you."}]}})"}}) {
    INFO(answer.when << " " << answer.status);
    const Asked asked = ask({answer, login, logout});
    CHECK(asked.inventory.machines.size() == 1);
    CHECK(notes(asked.inventory, "tags are not known"));
    CHECK(notes(asked.inventory, std::to_string(answer.status)));
    CHECK(notes(asked.inventory, "Not for you."));
    const bool in = answer.when != "POST /api/session";
    CHECK((asked.requests.back() == "DELETE /api/session") == in);
  }
}

TEST_CASE("rubbish from the REST interface is a note", "[vsphere]") {
  for (const std::string body :
       {"", "hello", "<html/>", "7", "{}", "[7]", R"([{"tag_ids":[7]}])", R"({"value":null})"}) {
    INFO(body);
    const Asked asked = ask({{"tag-association", 200, body}, login, logout});
    CHECK(asked.inventory.machines.size() == 1);
    CHECK(asked.inventory.machines[0].tags.empty());
    CHECK(asked.inventory.notes.size() <= 1);
    CHECK(asked.requests.back() == "DELETE /api/session");
  }
}

}  // namespace flyt::tests
