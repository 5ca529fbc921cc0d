#include "drivers/vsphere/starts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::array starts{"VmPoweredOnEvent", "VmStartingEvent", "DrsVmPoweredOnEvent",
                            "VmResettingEvent", "VmResumingEvent"};
// Where none of these is seen either, it is not that there are none.
constexpr std::array traces{"VmPoweredOffEvent",   "VmCreatedEvent",      "VmRegisteredEvent",
                            "VmReconfiguredEvent", "VmBeingCreatedEvent", "VmSuspendedEvent",
                            "VmClonedEvent",       "VmDeployedEvent",     "TaskEvent"};

bool is_start(const std::string& type) {
  return std::find(starts.begin(), starts.end(), type) != starts.end();
}

}  // namespace

Result<std::string> last_start(Session& session, const Ref& machine, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  if (service.event_manager.empty()) return std::string();
  Body body;
  body.open("filter").open("entity").ref("entity", machine).text("recursion", "self").close();
  for (const char* type : starts) body.text("eventTypeId", type);
  for (const char* type : traces) body.text("eventTypeId", type);
  body.close();
  FLYT_ASSIGN(const Reply reply,
              session.call("QueryEvents", service.event_manager, body,
                           fmt::format("{}: reading its events", machine.value), call));
  bool any = false;
  std::int64_t newest = 0;
  std::string when;
  for (const pugi::xml_node event : xml_children(reply.content, "returnval")) {
    any = true;
    const std::int64_t key = number_child(event, "key").value_or(0);
    if (!is_start(type_of(event)) || key < newest) continue;
    newest = key;
    when = xml_child_text(event, "createdTime");
  }
  if (!any) return std::string();
  return when.empty() ? std::string("not started") : fmt::format("started {}, {}", when, newest);
}

}  // namespace flyt::vsphere
