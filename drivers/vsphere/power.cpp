#include "drivers/vsphere/power.hpp"

#include <fmt/format.h>

#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

constexpr const char* power_state = "runtime.powerState";

Result<std::string> power_now(Session& session, const Ref& machine, const Call& call) {
  std::string state;
  FLYT_TRY(within(machine.value, each_of(
                                     session, {machine}, {"VirtualMachine", {power_state}},
                                     [&state](const Object& object) -> Status {
                                       state = object.text(power_state);
                                       return ok();
                                     },
                                     call)));
  return state;
}

Status run_task(Session& session, const Ref& machine, const char* method, const std::string& what,
                const Call& call) {
  FLYT_ASSIGN(const Reply begun, session.call(method, machine, {}, what, call));
  const auto ended = wait_for_task(session, ref_of(begun.value()), what, call);
  return ended ? ok() : Status(ended.error());
}

// The guest ends by itself: it may take long, or ask somebody, or not do it at all.
Status shut_down(Session& session, const Ref& machine, const Call& call) {
  const std::string what = fmt::format("{}: shutting down", machine.value);
  auto asked = session.call("ShutdownGuest", machine, {}, what, call);
  if (!asked) {
    Error error = std::move(asked).error();
    if (error.seen.find("(ToolsUnavailable)") != std::string::npos) {
      error.code = Errc::unsupported;
      error.remedy = {"shut it down from inside"};
    }
    return error;
  }
  return wait_until(
      session, machine, {power_state},
      [](const Object& now) -> Result<bool> { return now.text(power_state) == "poweredOff"; }, what,
      call);
}

}  // namespace

Power power_of(const std::string& state) {
  if (state == "poweredOn") return Power::on;
  if (state == "poweredOff") return Power::off;
  return state == "suspended" ? Power::suspended : Power::unknown;
}

Status set_power(Session& session, const Ref& machine, Driver::PowerChange change,
                 const Call& call) {
  FLYT_ASSIGN(const std::string now, power_now(session, machine, call));
  const bool on = change == Driver::PowerChange::on;
  if (now == (on ? "poweredOn" : "poweredOff")) return ok();
  if (on) {
    return run_task(session, machine, "PowerOnVM_Task",
                    fmt::format("{}: switching on", machine.value), call);
  }
  if (change == Driver::PowerChange::off) return shut_down(session, machine, call);
  return run_task(session, machine, "PowerOffVM_Task",
                  fmt::format("{}: switching off", machine.value), call);
}

bool are_tools_running(const std::string& status) {
  return status == "guestToolsRunning" || status == "guestToolsExecutingScripts";
}

Result<Observation> observe(Session& session, const Ref& machine, const Call& call) {
  Observation seen;
  const auto take = [&seen](const Object& object) -> Status {
    seen.power = power_of(object.text(power_state));
    const std::string tools = object.text("guest.toolsRunningStatus");
    if (!tools.empty()) seen.agent = are_tools_running(tools);
    seen.host_name = object.text("guest.hostName");
    seen.host = object.ref_at("runtime.host").value;
    for (const pugi::xml_node net : object.at("guest.net").children()) {
      for (const pugi::xml_node address : xml_children(net, "ipAddress")) {
        seen.addresses.push_back(xml_text(address));
      }
    }
    return ok();
  };
  FLYT_TRY(within(machine.value, each_of(session, {machine},
                                         {"VirtualMachine",
                                          {power_state, "guest.toolsRunningStatus",
                                           "guest.hostName", "guest.net", "runtime.host"}},
                                         take, call)));
  return seen;
}

}  // namespace flyt::vsphere
