#include "tests/vsphere/sweep/troubles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace flyt::tests {
namespace {

using nlohmann::json;

constexpr std::int64_t most_places = 12;  // of one method
constexpr const char* host = "DC0_H0";

// Up to `most_places` of `count`, the first and the last among them.
std::vector<std::int64_t> places(std::int64_t count) {
  const std::int64_t wanted = std::min(count, most_places);
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < wanted; ++i) {
    all.push_back(wanted == 1 ? 0 : i * (count - 1) / (wanted - 1));
  }
  return all;
}

std::string title(const json& fault) {
  std::string text;
  for (const char* part : {"kind", "target", "method", "fault", "status", "bytes", "delayMs"}) {
    const auto found = fault.find(part);
    if (found == fault.end()) continue;
    if (!text.empty()) text += ' ';
    text += found->is_string() ? found->get<std::string>() : found->dump();
  }
  const bool lasting = fault.value("count", 1) < 0;
  return fmt::format("{}{}, after {}", text, lasting ? " from then on" : "",
                     fault.value("skip", std::int64_t{0}));
}

Trouble failing(json fault) {
  Trouble trouble;
  trouble.name = title(fault);
  // The lab says that a session has ended, and keeps it.
  const bool denied =
      fault.value("fault", "") == "NotAuthenticated" || fault.value("status", 0) == 401;
  trouble.keeps_sessions =
      denied || fault.value("method", "") == "Logout" || fault.value("target", "") == "sdk";
  trouble.faults = {std::move(fault)};
  return trouble;
}

void add(Group& group, const json& fault, std::int64_t count) {
  for (const std::int64_t skip : places(count)) {
    json one = fault;
    one["skip"] = skip;
    group.push_back(failing(std::move(one)));
  }
}

void add_both(Group& group, json fault, std::int64_t count) {
  add(group, fault, count);
  fault["count"] = -1;
  add(group, fault, count);
}

// What vCenter says when this method does not work now.
std::string fault_of(const std::string& method) {
  if (method == "Login") return "InvalidLogin";
  if (method == "CreateSnapshot_Task") return "ApplicationQuiesceFault";
  if (method == "RemoveSnapshot_Task") return "FileLocked";
  if (method == "ReconfigVM_Task") return "TaskInProgress";
  if (method == "ShutdownGuest") return "ToolsUnavailable";
  if (method == "QueryChangedDiskAreas") return "FileFault";
  return "HostNotConnected";
}

Group method_fails(const std::string& method, std::int64_t count) {
  Group group;
  const json fails = {{"kind", "failMethod"}, {"method", method}};
  for (const std::string& type : {fault_of(method), std::string("NoPermission")}) {
    json fault = fails;
    fault["fault"] = type;
    add_both(group, fault, count);
  }
  json ended = fails;
  ended["fault"] = "NotAuthenticated";
  add(group, ended, count);
  add(group, {{"kind", "slowMethod"}, {"method", method}, {"delayMs", 300}}, count);
  return group;
}

Group task_fails(const std::string& method, std::int64_t count) {
  Group group;
  for (const std::string& type : {fault_of(method), std::string("NoDiskSpace")}) {
    add_both(group, {{"kind", "failTask"}, {"method", method}, {"fault", type}}, count);
  }
  add(group, {{"kind", "slowTask"}, {"method", method}, {"delayMs", 600}}, count);
  return group;
}

Group status(const char* target, std::int64_t count) {
  Group group;
  for (const int status : {503, 500, 401, 403}) {
    add_both(group, {{"kind", "status"}, {"target", target}, {"status", status}}, count);
  }
  return group;
}

Group cut(const char* target, std::int64_t count) {
  Group group;
  for (const int bytes : {0, 70'000}) {
    add_both(group, {{"kind", "drop"}, {"target", target}, {"bytes", bytes}}, count);
  }
  return group;
}

// A read in ranges is tried again for a minute.
void mark_slow(Group& group) {
  for (Trouble& trouble : group) {
    const json& fault = trouble.faults.front();
    const int status = fault.value("status", 503);
    trouble.slow = fault.value("count", 1) < 0 && status >= 500;
  }
}

// One on the way, and another while that is put right.
void add_pair(Group& group, const json& first, json second) {
  for (const int count : {1, -1}) {
    second["count"] = count;
    Trouble trouble = failing(first);
    trouble.name += ", and " + title(second);
    trouble.faults.push_back(second);
    group.push_back(std::move(trouble));
  }
}

std::int64_t count_of(const Seen& seen, const std::string& counter) {
  const auto found = seen.counters.find(counter);
  return found == seen.counters.end() ? 0 : found->second;
}

// The last view cannot be made, and what a failed cutover puts right fails as well.
void add_pairs(std::vector<Group>& groups, const Scenario& scenario, const Seen& seen) {
  const json consolidate = {{"kind", "consolidate"}};
  const auto failing_task = [](const char* method) {
    return json{{"kind", "failTask"}, {"method", method}, {"fault", fault_of(method)}};
  };
  groups.emplace_back();
  Trouble left = failing(consolidate);
  left.name += ", and a consolidation that fails once";
  left.faults.push_back(failing_task("ConsolidateVMDisks_Task"));
  groups.back().push_back(std::move(left));
  if (!scenario.runs || scenario.warm_first) return;
  json no_view = failing_task("CreateSnapshot_Task");
  no_view["skip"] = count_of(seen, "task.CreateSnapshot_Task") - 1;
  no_view["count"] = -1;
  for (const char* method : {"PowerOnVM_Task", "RemoveSnapshot_Task", "ReconfigVM_Task"}) {
    json second = failing_task(method);
    if (method == std::string("RemoveSnapshot_Task")) second["skip"] = 2;
    groups.emplace_back();
    add_pair(groups.back(), no_view, second);
    second["kind"] = "failMethod";
    add_pair(groups.back(), no_view, second);
  }
}

// Tracking that tells too much costs time. What it leaves out stays out, and nobody could know, but
// where it is distrusted.
void add_lies(std::vector<Group>& groups, const Scenario& scenario) {
  for (const std::string mode : {"add", "all", "none", "omit"}) {
    Trouble lie;
    lie.name = "tracking lies: " + mode;
    lie.faults = {{{"kind", "cbt"}, {"mode", mode}, {"areas", 3}, {"every", 2}, {"count", -1}}};
    lie.distrust = mode == "none" || mode == "omit";
    // The first copy of a machine that is kept warm is compared with nothing.
    if (mode == "none" && !scenario.warm_first) lie.recorded = "they were found by comparing all";
    groups.push_back({std::move(lie)});
  }
}

void add_faults(std::vector<Group>& groups, const Seen& seen) {
  for (const auto& [name, count] : seen.counters) {
    if (name.starts_with("soap.")) groups.push_back(method_fails(name.substr(5), count));
    if (name.starts_with("task.")) groups.push_back(task_fails(name.substr(5), count));
  }
  groups.push_back(status("sdk", count_of(seen, "sdk.requests")));
  if (const auto count = count_of(seen, "folder.requests"); count != 0) {
    for (Group group : {status("folder", count), cut("folder", count)}) {
      mark_slow(group);
      groups.push_back(std::move(group));
    }
    groups.emplace_back();
    add_both(groups.back(), {{"kind", "ignoreRange"}}, count);
  }
  if (const auto count = count_of(seen, "nfc.requests"); count != 0) {
    groups.push_back(status("nfc", count));
    groups.push_back(cut("nfc", count));
  }
  groups.emplace_back();
  add_both(groups.back(), {{"kind", "consolidate"}}, count_of(seen, "task.RemoveSnapshot_Task"));
}

// Before its copy is started, whoever starts or stops the source is seen to do it.
bool is_before_boot(const std::string& door) {
  for (const char* step : {"boot", "ground", "clean"}) {
    if (door.ends_with(step)) return false;
  }
  return true;
}

struct Deed {
  Trouble trouble;
  bool before_boot = false;  // only there
  bool slow_reading = false;
};

std::vector<Deed> deeds(const Scenario& scenario) {
  const std::string& vm = scenario.machine;
  const auto post = [](const char* path, json body) { return Act{"POST", path, std::move(body)}; };
  const auto power = [&](const char* state) {
    return post("/power", {{"vm", vm}, {"state", state}});
  };
  const auto host_is = [&](const char* state) {
    return post("/host", {{"name", host}, {"state", state}});
  };
  const Act lost = host_is("disconnected"), back = host_is("connected");
  std::vector<Deed> all{
      {{.name = "all sessions end", .acts = {post("/sessions/expire", {})}}},
      {{.name = "all leases end", .acts = {post("/leases/expire", {})}}},
      {{.name = "change tracking is reset", .acts = {post("/cbt/reset", {{"vm", vm}})}}},
      {{.name = "the host is gone for a moment", .acts = {lost}, .soon = {back}}},
      {{.name = "the host is gone", .acts = {lost}, .cleared = {back}},
       false,
       scenario.transport != "nfc"},
      {{.name = "somebody takes a snapshot",
        .acts = {post("/snapshot", {{"vm", vm}, {"name", "nightly backup"}})},
        .afterwards = {{"DELETE", fmt::format("/snapshot?vm={}&name=nightly%20backup", vm), {}}}}},
  };
  if (scenario.runs) {
    const Act write =
        post("/write", {{"vm", vm}, {"disk", 0}, {"offset", 5000}, {"text", "after a new start"}});
    all.push_back(
        {{.name = "somebody switches it off", .acts = {power("poweredOff")}, .switches = true},
         true});
    all.push_back({{.name = "somebody starts it anew",
                    .acts = {power("poweredOff"), power("poweredOn"), write},
                    .switches = true},
                   true});
  } else {
    all.push_back({{.name = "somebody starts it",
                    .acts = {power("poweredOn")},
                    .cleared = {power("poweredOff")},
                    .switches = true},
                   true});
  }
  return all;
}

void add_deeds(std::vector<Group>& groups, const Scenario& scenario, const Seen& seen) {
  for (const Deed& deed : deeds(scenario)) {
    Group group;
    for (const std::string& door : seen.doors) {
      if (deed.before_boot && !is_before_boot(door)) continue;
      Trouble trouble = deed.trouble;
      trouble.name += " at \"" + door + "\"";
      trouble.door = door;
      trouble.slow = deed.slow_reading && (door.find("copy") != std::string::npos ||
                                           door.find("delta") != std::string::npos);
      group.push_back(std::move(trouble));
    }
    groups.push_back(std::move(group));
  }
}

}  // namespace

std::vector<Group> troubles_of(const Scenario& scenario, const Seen& seen) {
  std::vector<Group> groups;
  add_faults(groups, seen);
  add_pairs(groups, scenario, seen);
  if (count_of(seen, "cbt.queries") != 0) add_lies(groups, scenario);
  add_deeds(groups, scenario, seen);
  return groups;
}

}  // namespace flyt::tests
