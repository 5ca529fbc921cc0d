// Every SOAP method that the driver calls, answered by a fault.
#include <functional>

#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

constexpr const char* two_machines = R"({"machines":[
  {"name":"web01","powerState":"poweredOn","changeTracking":true,"disks":[{"sizeMiB":1}]},
  {"name":"db01","disks":[{"sizeMiB":1}]}]})";

const Owner owner{"flyt-aaaaaaaaaaaaaaaaaaaa", 1};

// What is asked of the driver, of the running machine or of the one that is off.
struct Act {
  std::string method;  // that is answered by a fault
  std::string machine;
  std::function<std::string(Driver& driver, const std::string& id)> run;
  std::string kind = "failMethod";
};

template <typename T>
std::string said(const Result<T>& result) {
  return told(result);
}

std::vector<Act> acts() {
  using Change = Driver::PowerChange;
  const auto observe = [](Driver& d, const std::string& id) {
    return said(d.observe(id, in_time()));
  };
  const auto power = [](Change change) {
    return [change](Driver& d, const std::string& id) {
      return said(d.set_power(id, change, in_time()));
    };
  };
  const auto look = [](Driver& d, const std::string& id) {
    return said(d.inventory({id, ""}, in_time()));
  };
  // What stands around one machine may still be known.
  const auto look_at_all = [](Driver& d, const std::string&) {
    return said(d.inventory({}, in_time()));
  };
  const auto view = [](Driver& d, const std::string& id) {
    return said(d.make_view({id, "v", owner}, in_time()));
  };
  const auto drop = [](Driver& d, const std::string& id) {
    take(d.make_view({id, "dropped", owner}, in_time()));
    return said(d.drop_view({id, "dropped", owner}, in_time()));
  };
  const auto untrack = [](Driver& d, const std::string& id) {
    return said(d.set_tracking(id, false, in_time()));
  };
  return {
      {"RetrievePropertiesEx", "web01", observe},
      {"RetrievePropertiesEx", "", look},
      {"CreateContainerView", "", look_at_all},
      {"ShutdownGuest", "web01", power(Change::off)},
      {"CreateFilter", "web01", power(Change::off)},
      {"PowerOnVM_Task", "db01", power(Change::on)},
      {"PowerOnVM_Task", "db01", power(Change::on), "failTask"},
      {"PowerOffVM_Task", "web01", power(Change::forced_off)},
      {"PowerOffVM_Task", "web01", power(Change::forced_off), "failTask"},
      {"CreateSnapshot_Task", "web01", view},
      {"CreateSnapshot_Task", "web01", view, "failTask"},
      {"RemoveSnapshot_Task", "db01", drop},
      {"RemoveSnapshot_Task", "db01", drop, "failTask"},
      {"ReconfigVM_Task", "db01", untrack},
      {"ReconfigVM_Task", "db01", untrack, "failTask"},
      {"WaitForUpdatesEx", "web01", power(Change::off)},
  };
}

struct Meaning {
  const char* fault;
  const char* code;
};

}  // namespace

TEST_CASE("a fault is told with VMware's words, its name and the machine", "[vsphere]") {
  FLYT_VSPHERE(lab, two_machines, {"-shutdown-time", "-1s"});  // the guest does not obey
  const auto driver = connect(lab.endpoint());
  std::map<std::string, std::string> ids;
  for (const Machine& one : take(driver->inventory({}, in_time())).machines) {
    ids[one.name] = one.id;
  }
  for (const Act& act : acts()) {
    for (const Meaning& meaning :
         {Meaning{"NoPermission", "denied"}, Meaning{"NotSupported", "unsupported"},
          Meaning{"HostNotConnected", "unavailable"}}) {
      INFO(act.kind << " " << act.method << " " << meaning.fault);
      lab.control("DELETE", "/faults");
      lab.control("POST", "/faults",
                  {{"kind", act.kind},
                   {"method", act.method},
                   {"fault", meaning.fault},
                   {"message", "VMware's own words."},
                   {"count", -1}});
      const std::string id = act.machine.empty() ? ids.at("web01") : ids.at(act.machine);
      const std::string text = act.run(*driver, id);
      INFO(text);
      CHECK(holds(text, std::string(meaning.code) + ": "));
      CHECK(holds(text, "VMware's own words."));
      CHECK(holds(text, std::string("(") + meaning.fault + ")"));
      if (!act.machine.empty()) CHECK(holds(text, id));
      CHECK(lab.counter("sessions.open") == 1);
    }
  }
}

TEST_CASE("a fault of the first questions is told, too", "[vsphere]") {
  for (const std::string method : {"RetrieveServiceContent", "Login"}) {
    INFO(method);
    FLYT_VSPHERE(lab, two_machines);
    lab.control("POST", "/faults",
                {{"kind", "failMethod"},
                 {"method", method},
                 {"fault", "InvalidLocale"},
                 {"message", "VMware's own words."}});
    const auto driver = connect(lab.endpoint());
    const auto failed = driver->inventory({}, in_time());
    CHECK(code_of(failed) == "invalid");
    CHECK(holds(told(failed), "VMware's own words. (InvalidLocale)"));
    CHECK(holds(told(failed), lab.url()));
    CHECK(take(driver->inventory({}, in_time())).machines.size() == 2);
  }
}

TEST_CASE("a clean-up that fails is no failure", "[vsphere]") {
  FLYT_VSPHERE(lab, two_machines);
  for (const std::string method : {"DestroyView", "DestroyPropertyCollector", "Logout"}) {
    lab.control(
        "POST", "/faults",
        {{"kind", "failMethod"}, {"method", method}, {"fault", "NoPermission"}, {"count", -1}});
  }
  const auto driver = connect(lab.endpoint());
  const std::string id = take(driver->inventory({}, in_time())).machines.at(0).id;
  CHECK(told(driver->set_power(id, Driver::PowerChange::on, in_time())) == "ok");
}

TEST_CASE("no page of an answer is kept on the server after a failure", "[vsphere]") {
  FLYT_VSPHERE(lab, {}, {"-vms", "20", "-page-max", "2"});
  const auto driver = connect(lab.endpoint());
  lab.control("POST", "/faults",
              {{"kind", "failMethod"},
               {"method", "ContinueRetrievePropertiesEx"},
               {"fault", "RuntimeFault"},
               {"skip", 2}});
  CHECK(code_of(driver->inventory({}, in_time())) == "unavailable");
  CHECK(lab.counter("soap.DestroyView") == lab.counter("soap.CreateContainerView"));
}

}  // namespace flyt::tests
