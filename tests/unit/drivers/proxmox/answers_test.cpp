#include <string>

#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/api.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "tests/catch.hpp"

namespace flyt::proxmox {
namespace {

TEST_CASE("answers become rows of texts whatever their types are", "[proxmox]") {
  const auto row = parse_row(
      R"({"data":{"memory":{"total":8,"used":2},"cores":2,"kvm":false,"agent":"1","load":[0.5,"1"],"none":null}})",
      "test");
  REQUIRE(row);
  CHECK(row->number("memory.total") == 8);
  CHECK(row->number("cores") == 2);
  CHECK(row->text("kvm") == "0");
  CHECK(row->flag("agent"));
  CHECK(row->text("load[0]") == "0.5");
  CHECK_FALSE(row->number("load[0]"));
  CHECK_FALSE(row->has("none"));
  CHECK_FALSE(row->number("missing"));
  CHECK(parse_rows(R"({"data":[{"a":1},{}]})", "test")->size() == 2);
  CHECK(parse_text(R"({"data":"UPID:x"})", "test") == "UPID:x");
  CHECK(parse_text(R"({"data":null})", "test") == "");
  CHECK(parse_grants(R"({"data":{"/vms":{"VM.Audit":1}}})", "test")->at("/vms").front() ==
        "VM.Audit");
}

TEST_CASE("what is no answer of Proxmox VE is refused", "[proxmox]") {
  for (const char* text :
       {"", "<html>", "[]", "{}", "{\"data\":3}", "{\"data\":[1]}", "{\"data\""}) {
    INFO(text);
    CHECK(parse_row(text, "test").error().code == Errc::corrupt);
    CHECK(parse_rows(text, "test").error().code == Errc::corrupt);
  }
  const auto ticket = parse_ticket(
      R"({"data":{"ticket":"PVE:!tfa!x","CSRFPreventionToken":"a","NeedTFA":1}})", "test");
  CHECK(ticket.error().code == Errc::denied);
}

HttpResponse answer(long status, std::string reason, std::string body = {}) {
  HttpResponse response;
  response.status = status;
  response.reason = std::move(reason);
  response.body = std::move(body);
  return response;
}

// Status lines and bodies as a real server sent them.
TEST_CASE("a refusal means what its text says, not its number", "[proxmox]") {
  const auto code = [](const HttpResponse& response) { return error_of(response, "test").code; };
  CHECK(code(answer(401, "No ticket")) == Errc::denied);
  CHECK(code(answer(403, "Permission check failed (/vms/100, VM.Audit)")) == Errc::denied);
  CHECK(
      code(answer(500, "Only root can pass arbitrary filesystem paths. at Storage.pm line 569.")) ==
      Errc::denied);
  CHECK(code(answer(500, "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist")) ==
        Errc::not_found);
  CHECK(code(answer(500, "unable to create VM 170 - VM 170 already exists on node 'pve1'")) ==
        Errc::exists);
  CHECK(code(answer(500, "VM is locked (backup)")) == Errc::unavailable);
  CHECK(code(answer(500, "can't lock file '/var/lock/qemu-server/lock-161.conf' - got timeout")) ==
        Errc::unavailable);
  CHECK(code(answer(500, "checksum mismatch (file change by other user?)")) == Errc::unavailable);
  CHECK(code(answer(501, "Method 'GET /nosuch' not implemented")) == Errc::unsupported);
  CHECK(code(answer(595, "No route to host")) == Errc::unavailable);
  CHECK(code(answer(596, "Connection timed out")) == Errc::timed_out);
  CHECK(code(answer(500, "something new")) == Errc::internal);
  const Error wrong = error_of(
      answer(
          400, "Parameter verification failed.",
          R"({"data":null,"message":"Parameter verification failed.\n","errors":{"name":"value does not look like a valid DNS name\n"}})"),
      "making web_01");
  CHECK(wrong.code == Errc::invalid);
  CHECK(wrong.what == "making web_01");
  CHECK(wrong.seen.find("name: value does not look like a valid DNS name") != std::string::npos);
  CHECK(refusal("VM quit/powerdown failed - got timeout", Errc::internal, "x").code ==
        Errc::timed_out);
}

TEST_CASE("forms are encoded", "[proxmox]") {
  CHECK(form({{"a", "x y&=\xc3\xa5"}, {"b", "1"}}) == "a=x%20y%26%3D%C3%A5&b=1");
  CHECK(form({}).empty());
}

}  // namespace
}  // namespace flyt::proxmox
