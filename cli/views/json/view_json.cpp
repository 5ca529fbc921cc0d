#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/inventory_json.hpp"
#include "cli/views/json/progress_json.hpp"
#include "cli/views/output.hpp"
#include "cli/views/views.hpp"

namespace flyt::cli {
namespace {

using nlohmann::json;

template <typename T>
json list(const std::vector<T>& all) {
  json out = json::array();
  for (const auto& one : all) out.push_back(to_json(one));
  return out;
}

json of(const Finding& finding) {
  return {{"text", finding.text}, {"remedy", finding.remedy}, {"must", finding.must}};
}

json of(const std::vector<Finding>& findings) {
  json out = json::array();
  for (const auto& one : findings) out.push_back(of(one));
  return out;
}

json of(const EndpointCheck& check) {
  json out = {{"endpoint", check.endpoint},
              {"driver", check.driver},
              {"ground", list(check.ground)},
              {"findings", of(check.findings)}};
  if (check.error) out["error"] = to_json(*check.error);
  if (!check.inventory) return out;
  out["platform"] = check.inventory->platform;
  out["notes"] = check.inventory->notes;
  out["machines"] = check.inventory->machines.size();
  out["hosts"] = check.inventory->hosts.size();
  json storages = json::array();
  for (const auto& storage : check.inventory->storages) {
    storages.push_back({{"name", storage.name}});
    if (storage.free_bytes) storages.back()["free_bytes"] = *storage.free_bytes;
  }
  out["storages"] = storages;
  return out;
}

json of(const DriverEntry& driver) {
  json keys = json::array();
  for (const auto& key : driver.keys) {
    keys.push_back({{"name", key.name},
                    {"help", key.help},
                    {"required", key.required},
                    {"secret", key.secret}});
  }
  return {{"name", driver.name}, {"help", driver.help}, {"keys", keys}};
}

json of(const MachineOutcome& outcome) {
  json out = {{"migration_id", outcome.migration_id},
              {"name", outcome.name},
              {"state", to_string(outcome.state)},
              {"target_id", outcome.target_id},
              {"record", outcome.record},
              {"verdicts", list(outcome.verdicts)}};
  if (outcome.error) out["error"] = to_json(*outcome.error);
  return out;
}

json of(const Plan& plan) {
  json machines = json::array(), waves = json::array();
  for (const auto& machine : plan.machines) {
    machines.push_back({{"migration_id", machine.migration_id},
                        {"name", machine.source.name},
                        {"target_name", machine.spec.name},
                        {"convert", machine.convert},
                        {"copy_bytes", machine.copy_bytes}});
  }
  for (const auto& wave : plan.waves) {
    waves.push_back({{"name", wave.name}, {"machines", wave.machines}});
  }
  return {
      {"digest", plan.digest},
      {"source", plan.source},
      {"target", plan.target},
      {"disk_bytes", plan.estimate.disk_bytes},
      {"copy_bytes", plan.estimate.copy_bytes},
      {"duration",
       {{"low_s", plan.estimate.low.count()},
        {"likely_s", plan.estimate.likely.count()},
        {"high_s", plan.estimate.high.count()}}},
      {"landing", {{"bytes", plan.estimate.land_bytes}, {"likely_s", plan.estimate.land.count()}}},
      {"policy", policy_word(plan)},
      {"machines", machines},
      {"waves", waves},
      {"ground", list(plan.ground)},
      {"concerns", list(plan.concerns)}};
}

json of(const UndoReport& report) {
  json actions = json::array();
  for (const auto& one : report.actions) {
    json action = {{"machine", one.machine}, {"what", one.what}, {"refused", one.refused}};
    for (const auto& machine : report.plan->machines) {
      if (machine.source.name == one.machine) action["migration_id"] = machine.migration_id;
    }
    actions.push_back(std::move(action));
  }
  return {{"file", report.file},
          {"done", report.done},
          {"actions", actions},
          {"exit_status", static_cast<int>(report.status)}};
}

class JsonView : public View {
 public:
  void error(std::string_view command, const Failure& failure) override {
    if (!held_.is_null()) release();
    json out = to_json(failure.error);
    out["command"] = command;
    out["exit_status"] = static_cast<int>(failure.status);
    say("error", std::move(out));
  }
  void remark(std::string_view text) override { say("remark", {{"text", text}}); }
  void version(std::string_view version) override { say("version", {{"version", version}}); }
  void drivers(std::span<const DriverEntry> all) override {
    json drivers = json::array();
    for (const auto& one : all) drivers.push_back(of(one));
    say("drivers", {{"drivers", drivers}});
  }
  void site_written(const std::filesystem::path& file, std::string_view id) override {
    say("site", {{"file", file.string()}, {"id", id}});
  }
  void inventory(const Inventory& inventory) override { say("inventory", to_json(inventory)); }
  void inventory_saved(const Inventory& inventory, const std::filesystem::path& file) override {
    say("inventory_saved", {{"file", file.string()},
                            {"endpoint", inventory.endpoint},
                            {"machines", inventory.machines.size()}});
  }
  void check(const CheckReport& report) override {
    json endpoints = json::array();
    for (const auto& one : report.endpoints) endpoints.push_back(of(one));
    hold("check", {{"site", {{"id", report.site_id}, {"name", report.site_name}}},
                   {"file", report.file},
                   {"state", report.state},
                   {"endpoints", endpoints},
                   {"findings", of(report.findings)}});
  }
  void assessment(const Assessment& assessment) override {
    json verdicts = json::array();
    for (const auto& one : assessment.all) {
      verdicts.push_back({{"machine", one.machine->name},
                          {"id", one.machine->id},
                          {"verdict", verdict_word(one.worst())},
                          {"concerns", one.concerns.size()}});
    }
    say("assessment", {{"endpoint", assessment.endpoint},
                       {"machines", assessment.all.size()},
                       {"ready", assessment.count(Severity::info)},
                       {"with_warnings", assessment.count(Severity::warning)},
                       {"blocked", assessment.count(Severity::blocker)},
                       {"verdicts", verdicts},
                       {"concerns", list(assessment.concerns())}});
  }
  void csv(std::string_view lines) override { say("csv", {{"text", lines}}); }
  void explanation(std::string_view code, std::string_view text) override {
    say("explanation", {{"code", code}, {"text", text}});
  }
  void plan_written(const Plan& plan, const std::filesystem::path& file) override {
    json out = of(plan);
    if (!file.empty()) out["file"] = file.string();
    hold("plan_written", std::move(out));
  }
  void plan(const Plan&, const std::string& file, const std::string& text) override {
    say("plan", {{"file", file}, {"plan", json::parse(text, nullptr, false)}});
  }
  void report(const Report& report) override {
    json machines = json::array();
    for (const auto& one : report.outcomes) {
      machines.push_back(of(one));
      const auto holder = report.holders.find(one.migration_id);
      if (holder != report.holders.end()) machines.back()["holder"] = holder->second;
    }
    json out = {{"plan", report.plan->digest},
                {"machines", machines},
                {"exit_status", static_cast<int>(report.status)}};
    if (!report.file.empty()) out["file"] = report.file;
    if (report.judged) out["views_left"] = report.views_left;
    if (report.judged) out["tracked"] = report.tracked;
    if (report.judged) out["shut_down"] = report.shut_down;
    say("report", std::move(out));
  }
  void undo(const UndoReport& report) override { say("undo", of(report)); }
  std::unique_ptr<ApplyStatus> progress(const Plan& plan) override {
    return make_json_progress(plan,
                              [this](const char* type, json out) { say(type, std::move(out)); });
  }
  void stopping() override { say("stopping", json::object()); }
  void end(ExitStatus status) override {
    if (held_.is_null()) return;
    held_["exit_status"] = static_cast<int>(status);
    release();
  }

 private:
  // Said when the command has ended, together with how.
  void hold(const char* type, json out) {
    out["type"] = type;
    held_ = std::move(out);
  }
  void release() {
    const std::string type = held_["type"];
    say(type.c_str(), std::exchange(held_, json()));
  }
  void say(const char* type, json out) {
    out["type"] = type;
    const std::string text = out.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    const std::lock_guard lock(mutex_);
    put(text);
  }

  std::mutex mutex_;
  json held_;
};

}  // namespace

std::unique_ptr<View> make_json_view() { return std::make_unique<JsonView>(); }

}  // namespace flyt::cli
