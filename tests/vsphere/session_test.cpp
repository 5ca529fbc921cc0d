// Logging in, staying logged in, logging out; and servers that are none.
#include <thread>

#include "tests/vsphere/canned_server.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

constexpr const char* one_machine =
    R"({"machines":[{"name":"web01","powerState":"poweredOn","disks":[{"sizeMiB":1}]}]})";

Error no_inventory(const EndpointConfig& config, Errc code) {
  const auto driver = connect(config);
  return refusal(driver->inventory({}, in_time()), code);
}

// `then` is done when the lab has seen `method` for the `count`-th time.
std::thread once_called(VsphereLab& lab, const std::string& method, std::int64_t count,
                        std::function<void()> then) {
  return std::thread([&lab, name = "soap." + method, count, then = std::move(then)] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (lab.counter(name) < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    then();
  });
}

}  // namespace

TEST_CASE("a wrong password is refused in VMware's own words", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  EndpointConfig config = lab.endpoint();
  config.values["user"] = "nobody@vsphere.local";
  const Error error = no_inventory(config, Errc::denied);
  CHECK(holds(error.what, "nobody@vsphere.local cannot log in"));
  CHECK(holds(error.what, lab.url()));
  CHECK(holds(error.seen, "Cannot complete login due to an incorrect user name or password."));
  CHECK(holds(error.seen, "InvalidLogin"));
  CHECK_FALSE(error.remedy.empty());
  CHECK(lab.counter("login.refused") == 1);  // more would lock the account
  CHECK(lab.counter("sessions.open") == 0);
}

TEST_CASE("a certificate that is not the pinned one is refused, and shown", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  EndpointConfig config = lab.endpoint();
  std::string& pinned = config.values["fingerprint"];
  pinned[0] = pinned[0] == '0' ? '1' : '0';
  const Error error = no_inventory(config, Errc::denied);
  std::string offered;
  for (const char c : lab.fingerprint()) {
    if (c != ':') offered += static_cast<char>(std::tolower(c));
  }
  CHECK(holds(error.seen, offered));
  CHECK(error.remedy.size() == 2);
  CHECK(lab.counter("sdk.requests") == 0);
}

TEST_CASE("a certificate is trusted by its authority, too", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  EndpointConfig config = lab.endpoint();
  config.values.erase("fingerprint");
  CHECK(holds(no_inventory(config, Errc::denied).seen, "fingerprint"));
  config.values["ca"] = lab.certificate();
  CHECK(take(connect(config)->inventory({}, in_time())).machines.size() == 1);
}

TEST_CASE("a server that is not there is unavailable", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  EndpointConfig config = lab.endpoint();
  config.values["url"] = "https://127.0.0.1:1/";
  CHECK(holds(no_inventory(config, Errc::unavailable).what, "127.0.0.1:1"));
}

TEST_CASE("a web server that is no vSphere is called so", "[vsphere]") {
  const std::vector<CannedAnswer> answers = {
      {"", 404, "<html><body>Not Found</body></html>"},
      {"", 200, "<!DOCTYPE html><html><body>Welcome</body></html>"},
      {"", 200, "hello"},
      {"", 200, ""},
      {"", 200, soap("<SomethingElseResponse/>")},
      {"", 302, "", {{"Location", "https://127.0.0.1/login"}}},
      {"", 405, "POST is not for you"},
  };
  for (const CannedAnswer& answer : answers) {
    INFO(answer.status << " " << answer.body);
    const CannedServer server({answer});
    const Error error = no_inventory(server.endpoint(), Errc::invalid);
    CHECK(holds(error.what, "is no vSphere"));
    CHECK(holds(error.what, server.endpoint().values.at("url")));
    CHECK_FALSE(error.remedy.empty());
    CHECK(server.requests().size() == 1);  // no password was sent to it
  }
}

TEST_CASE("a vSphere in trouble is unavailable, not wrong", "[vsphere]") {
  for (const int status : {500, 502, 503, 504}) {
    INFO(status);
    const CannedServer server({{"", status, "<html>503 Service Unavailable</html>"}});
    const Error error = no_inventory(server.endpoint(), Errc::unavailable);
    CHECK(holds(error.seen, std::to_string(status)));
  }
  FLYT_VSPHERE(lab, one_machine, {"-max-sessions", "1"});
  const auto first = connect(lab.endpoint());
  take(first->inventory({}, in_time()));
  CHECK(holds(no_inventory(lab.endpoint(), Errc::unavailable).why, "no sessions left"));
}

TEST_CASE("all cookies of a login are sent back", "[vsphere]") {
  auto answers = vcenter_greeting();
  answers[1].headers.insert(answers[1].headers.begin(), {"Set-Cookie", "route=n1; Path=/"});
  const CannedServer server(answers);
  (void)connect(server.endpoint())->inventory({}, in_time());  // it gets no further
  const auto requests = server.requests();
  REQUIRE(requests.size() >= 3);
  CHECK(holds(requests[2], "route=n1"));
  CHECK(holds(requests[2], "vmware_soap_session=\"52aa\""));
}

TEST_CASE("one login serves all calls, and its end is told to the server", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  {
    const auto driver = connect(lab.endpoint());
    CHECK(lab.counter("sdk.requests") == 0);  // opening connects to nothing
    const std::string id = take(driver->inventory({}, in_time())).machines.at(0).id;
    take(driver->inventory({id, ""}, in_time()));
    take(driver->observe(id, in_time()));
    CHECK(lab.counter("soap.Login") == 1);
    CHECK(lab.counter("sessions.open") == 1);
  }
  CHECK(lab.counter("sessions.open") == 0);
  CHECK(lab.counter("sessions.loggedOut") == 1);
  CHECK(lab.differences().empty());
}

TEST_CASE("the session is ended after a failed call, too", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  lab.control("POST", "/faults", {{"kind", "failMethod"}, {"method", "RetrievePropertiesEx"}});
  CHECK(code_of(connect(lab.endpoint())->inventory({}, in_time())) == "unavailable");
  CHECK(lab.counter("sessions.open") == 0);
  CHECK(lab.counter("sessions.loggedOut") == 1);
}

TEST_CASE("a session that ended between two calls is made anew", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  const auto driver = connect(lab.endpoint());
  const std::string id = take(driver->inventory({}, in_time())).machines.at(0).id;
  for (int round = 2; round != 4; ++round) {
    lab.control("POST", "/sessions/expire");
    CHECK(take(driver->observe(id, in_time())).power == Power::on);
    CHECK(lab.counter("soap.Login") == round);
  }
}

TEST_CASE("a session that ended amid a wait is made anew, and the wait goes on", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine, {"-shutdown-time", "2s"});
  const auto driver = connect(lab.endpoint());
  const std::string id = take(driver->inventory({}, in_time())).machines.at(0).id;
  lab.control("POST", "/faults",
              {{"kind", "failMethod"},
               {"method", "WaitForUpdatesEx"},
               {"fault", "NotAuthenticated"},
               {"skip", 1}});
  std::thread other =
      once_called(lab, "WaitForUpdatesEx", 1, [&] { lab.control("POST", "/sessions/expire"); });
  const auto done = driver->set_power(id, Driver::PowerChange::off, in_time());
  other.join();
  CHECK(told(done) == "ok");
  CHECK(lab.counter("soap.CreateFilter") >= 2);  // 3: the session ended in its first wait already
  CHECK(lab.counter("soap.ShutdownGuest") == 1);
}

TEST_CASE("a session that ended amid the pages of an answer is unavailable", "[vsphere]") {
  FLYT_VSPHERE(lab, {}, {"-vms", "20", "-page-max", "2"});
  const auto driver = connect(lab.endpoint());
  lab.control("POST", "/faults",
              {{"kind", "failMethod"},
               {"method", "ContinueRetrievePropertiesEx"},
               {"fault", "NotAuthenticated"},
               {"skip", 3}});
  const Error error = refusal(driver->inventory({}, in_time()), Errc::unavailable);
  CHECK(holds(error.seen, "NotAuthenticated"));
  CHECK(holds(error.why, "session"));
  CHECK(take(driver->inventory({}, in_time())).machines.size() == 40);
  CHECK(lab.counter("soap.DestroyView") == lab.counter("soap.CreateContainerView"));
}

TEST_CASE("no call outlives its deadline or its stop", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  const auto driver = connect(lab.endpoint());
  take(driver->inventory({}, in_time()));
  const nlohmann::json slow = {
      {"kind", "slowMethod"}, {"method", "RetrievePropertiesEx"}, {"delayMs", 60'000}};
  lab.control("POST", "/faults", slow);
  CHECK(code_of(driver->inventory({}, in_time(std::chrono::seconds(1)))) == "timed_out");
  lab.control("POST", "/faults", slow);
  std::stop_source stop;
  std::thread other =
      once_called(lab, "RetrievePropertiesEx", lab.counter("soap.RetrievePropertiesEx") + 1,
                  [&] { stop.request_stop(); });
  CHECK(code_of(driver->inventory({}, Call{stop.get_token(), in_time().deadline})) == "cancelled");
  other.join();
  CHECK(take(driver->inventory({}, in_time())).machines.size() == 1);
}

TEST_CASE("eight calls at once share one login", "[vsphere]") {
  FLYT_VSPHERE(lab, one_machine);
  const auto driver = connect(lab.endpoint());
  REQUIRE(driver->info().max_concurrency >= 8);
  for (int round = 1; round != 4; ++round) {
    std::vector<std::thread> threads;
    std::vector<std::string> outcomes(8);
    threads.reserve(outcomes.size());
    for (std::string& outcome : outcomes) {
      threads.emplace_back([&] { outcome = told(driver->inventory({}, in_time())); });
    }
    for (std::thread& one : threads) one.join();
    for (const std::string& outcome : outcomes) CHECK(outcome == "ok");
    CHECK(lab.counter("soap.Login") == round);
    lab.control("POST", "/sessions/expire");
  }
}

}  // namespace flyt::tests
