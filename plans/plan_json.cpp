#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/inventory_json.hpp"
#include "base/members_json.hpp"
#include "plans/canonical_json.hpp"
#include "plans/plan_document.hpp"
#include "plans/schema_json.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

constexpr const char* schema_name = "https://flyt.example/schema/plan-1.json";
constexpr std::uint64_t largest_file = 256U << 20;
constexpr std::array fact_words{"pinned", "bounded", "noted"};
constexpr std::array probe_words{"tcp", "http", "agent"};

// The word's place among `words` is the value.
template <typename T, std::size_t N>
auto among(const std::array<const char*, N>& words) {
  return [&words](const std::string& word) -> std::optional<T> {
    for (std::size_t i = 0; i < N; ++i) {
      if (words[i] == word) return static_cast<T>(i);
    }
    return std::nullopt;
  };
}

template <typename T>
auto known(T (*from)(std::string_view) noexcept) {
  return [from](const std::string& word) -> std::optional<T> {
    const T value = from(word);
    if (to_string(value) == word) return value;
    return std::nullopt;
  };
}

template <typename T, typename Write>
Json list(const std::vector<T>& values, Write write) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(write(value));
  return out;
}

Json fact_json(const Fact& fact) {
  return {{"kind", fact_words.at(static_cast<std::size_t>(fact.kind))},
          {"subject", fact.subject},
          {"name", fact.name},
          {"value", fact.value}};
}

Result<Fact> fact_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Fact fact;
  in.read_word("kind", fact.kind, among<Fact::Kind>(fact_words));
  in.read("subject", fact.subject);
  in.read("name", fact.name);
  in.read("value", fact.value);
  return std::move(in).give(std::move(fact));
}

Json probe_json(const Probe& probe) {
  return {{"kind", probe_words.at(static_cast<std::size_t>(probe.kind))},
          {"target", probe.target},
          {"expect", probe.expect}};
}

Result<Probe> probe_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Probe probe;
  std::uint16_t expect = 0;
  in.read_word("kind", probe.kind, among<Probe::Kind>(probe_words));
  in.read("target", probe.target);
  in.read("expect", expect);
  probe.expect = expect;
  return std::move(in).give(std::move(probe));
}

Json disk_json(const DiskSpec& disk) {
  return {{"size_bytes", disk.size_bytes}, {"bus", to_string(disk.bus)},
          {"controller", disk.controller}, {"storage", disk.storage},
          {"format", disk.format},         {"boots", disk.boots}};
}

Result<DiskSpec> disk_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  DiskSpec disk;
  in.read("size_bytes", disk.size_bytes);
  in.read_word("bus", disk.bus, known(&bus_from));
  in.read("controller", disk.controller);
  in.read("storage", disk.storage);
  in.read("format", disk.format);
  in.read("boots", disk.boots);
  return std::move(in).give(std::move(disk));
}

Json nic_json(const NicSpec& nic) {
  return {{"mac", nic.mac},
          {"network", nic.network},
          {"vlan", nic.vlan ? Json(*nic.vlan) : Json()},
          {"model", nic.model}};
}

Result<NicSpec> nic_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  NicSpec nic;
  in.read("mac", nic.mac);
  in.read("network", nic.network);
  in.read("vlan", nic.vlan);
  in.read("model", nic.model);
  return std::move(in).give(std::move(nic));
}

Json guest_json(const Guest& guest) {
  return {{"family", to_string(guest.family)},
          {"id", guest.id},
          {"name", guest.name},
          {"host_name", guest.host_name}};
}

Result<Guest> guest_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Guest guest;
  in.read_word("family", guest.family, known(&guest_family_from));
  in.read("id", guest.id);
  in.read("name", guest.name);
  in.read("host_name", guest.host_name);
  return std::move(in).give(std::move(guest));
}

Json spec_json(const MachineSpec& spec) {
  return {{"name", spec.name},
          {"uuid", spec.uuid},
          {"notes", spec.notes},
          {"cpus", spec.cpus},
          {"sockets", spec.sockets},
          {"memory_bytes", spec.memory_bytes},
          {"firmware", to_string(spec.firmware)},
          {"secure_boot", spec.secure_boot},
          {"clock", to_string(spec.clock)},
          {"guest", guest_json(spec.guest)},
          {"disks", list(spec.disks, disk_json)},
          {"nics", list(spec.nics, nic_json)}};
}

Result<MachineSpec> spec_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  MachineSpec spec;
  in.read("name", spec.name);
  in.read("uuid", spec.uuid);
  in.read("notes", spec.notes);
  in.read("cpus", spec.cpus);
  in.read("sockets", spec.sockets);
  in.read("memory_bytes", spec.memory_bytes);
  in.read_word("firmware", spec.firmware, known(&firmware_from));
  in.read("secure_boot", spec.secure_boot);
  in.read_word("clock", spec.clock, known(&clock_from));
  in.read_object("guest", spec.guest, guest_from);
  in.read_list("disks", spec.disks, disk_from);
  in.read_list("nics", spec.nics, nic_from);
  return std::move(in).give(std::move(spec));
}

Json machine_json(const PlannedMachine& machine) {
  return {{"migration_id", machine.migration_id},
          {"source", to_json(machine.source)},
          {"spec", spec_json(machine.spec)},
          {"convert", machine.convert},
          {"convert_why", machine.convert_why},
          {"placement_why", machine.placement_why},
          {"facts", list(machine.facts, fact_json)},
          {"probes", list(machine.probes, probe_json)},
          {"marker", machine.marker},
          {"boot_timeout_s", machine.boot_timeout.count()},
          {"copy_bytes", machine.copy_bytes},
          {"adopts", machine.adopts}};
}

void read_seconds(JsonMembers& in, const char* name, std::chrono::seconds& to) {
  auto count = static_cast<std::uint64_t>(to.count());
  in.read(name, count);
  to = std::chrono::seconds(count);
}

Result<PlannedMachine> machine_at(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  PlannedMachine machine;
  in.read("migration_id", machine.migration_id);
  in.read_object("source", machine.source, [](const Json& one, const std::string& where) {
    return within(where, machine_from(one));
  });
  in.read_object("spec", machine.spec, spec_from);
  in.read("convert", machine.convert);
  in.read("convert_why", machine.convert_why);
  in.read("placement_why", machine.placement_why);
  in.read_list("facts", machine.facts, fact_from);
  in.read_list("probes", machine.probes, probe_from);
  in.read("marker", machine.marker);
  read_seconds(in, "boot_timeout_s", machine.boot_timeout);
  in.read("copy_bytes", machine.copy_bytes);
  in.read("adopts", machine.adopts);
  machine.spec.owner.id = machine.migration_id;
  return std::move(in).give(std::move(machine));
}

Result<Wave> wave_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Wave wave;
  in.read("name", wave.name);
  in.read("machines", wave.machines);
  return std::move(in).give(std::move(wave));
}

Json plan_json(const Plan& plan) {
  const Estimate& estimate = plan.estimate;
  return {{"$schema", schema_name},
          {"version", plan_version},
          {"flyt_version", plan.flyt_version},
          {"site", {{"id", plan.site_id}, {"name", plan.site_name}, {"digest", plan.site_digest}}},
          {"source", {{"name", plan.source}, {"platform_id", plan.source_platform_id}}},
          {"target", {{"name", plan.target}, {"platform_id", plan.target_platform_id}}},
          {"inventory_digest", plan.inventory_digest},
          {"machines", list(plan.machines, machine_json)},
          {"waves", list(plan.waves,
                         [](const Wave& wave) {
                           return Json{{"name", wave.name}, {"machines", wave.machines}};
                         })},
          {"concerns", list(plan.concerns, [](const Concern& one) { return to_json(one); })},
          {"ground", list(plan.ground, [](const Verdict& one) { return to_json(one); })},
          {"estimate",
           {{"disk_bytes", estimate.disk_bytes},
            {"copy_bytes", estimate.copy_bytes},
            {"low_s", estimate.low.count()},
            {"likely_s", estimate.likely.count()},
            {"high_s", estimate.high.count()}}}};
}

// Of the document without its digest. Empty for numbers that JSON cannot hold: fits no plan.
std::string digest_of(const Json& json) {
  const auto text = canonical_text(json);
  return text ? to_hex(sha256(*text)) : std::string();
}

Result<Plan> plan_from(const Json& json) {
  JsonMembers in(json, "");
  Plan plan;
  in.read("flyt_version", plan.flyt_version);
  in.read("inventory_digest", plan.inventory_digest);
  in.read("digest", plan.digest);
  in.read_list("machines", plan.machines, machine_at);
  in.read_list("waves", plan.waves, wave_from);
  in.read_list("concerns", plan.concerns, [](const Json& one, const std::string& path) {
    return within(path, concern_from(one));
  });
  in.read_list("ground", plan.ground, [](const Json& one, const std::string& path) {
    return within(path, verdict_from(one));
  });
  FLYT_TRY(std::move(in).status());
  JsonMembers site(json.at("site"), "site"), source(json.at("source"), "source"),
      target(json.at("target"), "target"), estimate(json.at("estimate"), "estimate");
  site.read("id", plan.site_id);
  site.read("name", plan.site_name);
  site.read("digest", plan.site_digest);
  FLYT_TRY(std::move(site).status());
  source.read("name", plan.source);
  source.read("platform_id", plan.source_platform_id);
  FLYT_TRY(std::move(source).status());
  target.read("name", plan.target);
  target.read("platform_id", plan.target_platform_id);
  FLYT_TRY(std::move(target).status());
  estimate.read("disk_bytes", plan.estimate.disk_bytes);
  estimate.read("copy_bytes", plan.estimate.copy_bytes);
  read_seconds(estimate, "low_s", plan.estimate.low);
  read_seconds(estimate, "likely_s", plan.estimate.likely);
  read_seconds(estimate, "high_s", plan.estimate.high);
  return std::move(estimate).give(std::move(plan));
}

Error bad_plan(std::string what, std::string seen, std::string remedy) {
  return {.code = Errc::invalid,
          .what = std::move(what),
          .seen = std::move(seen),
          .state = "nothing was done",
          .remedy = {std::move(remedy)}};
}

Status check_version(const Json& json) {
  const auto found = json.is_object() ? json.find("version") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_number_integer()) {
    return bad_plan("this is not a plan", "there is no member version", "flyt plan");
  }
  if (*found == plan_version) return ok();
  return bad_plan("the plan is of another version",
                  fmt::format("version {}; this flyt reads {}", found->dump(), plan_version),
                  "use the flyt that made it (member flyt_version), or make a new plan: flyt plan");
}

// The digest is no signature: what the steps count on is looked at, whoever wrote it.
Status check_sense(const Plan& plan) {
  const auto bad = [](const std::string& what, const std::string& name) {
    return bad_plan("the plan makes no sense: " + what, name, "flyt plan");
  };
  std::set<std::string> ids;
  for (const PlannedMachine& one : plan.machines) {
    const std::string& name = one.source.name;
    if (!ids.insert(one.migration_id).second) return bad("two machines have one id", name);
    if (one.spec.disks.size() != one.source.disks.size()) return bad("disks are missing", name);
    for (std::size_t i = 0; i < one.spec.disks.size(); ++i) {
      if (one.spec.disks[i].size_bytes < one.source.disks[i].size_bytes) {
        return bad("a disk is smaller than its source", name);
      }
    }
    if (one.spec.nics.size() != one.source.nics.size()) {
      return bad("network cards are missing", name);
    }
  }
  std::size_t waved = 0;
  for (const Wave& wave : plan.waves) {
    for (const std::string& id : wave.machines) waved += ids.erase(id);
  }
  if (waved != plan.machines.size()) return bad("a machine is in no wave", *ids.begin());
  return ok();
}

}  // namespace

std::string plan_digest(const Plan& plan) { return digest_of(plan_json(plan)); }

std::string plan_text(const Plan& plan) {
  Json json = plan_json(plan);
  json["digest"] = digest_of(json);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Plan> parse_plan(std::string_view text) {
  auto document = parse_document(text, "the plan");
  if (!document) return bad_plan(document.error().what, "", "flyt plan");
  Json json = *std::move(document);
  FLYT_TRY(check_version(json));
  FLYT_TRY(check_schema(json));
  const std::string stated = json.at("digest").get<std::string>();
  json.erase("digest");
  const std::string actual = digest_of(json);
  if (actual != stated) {
    return bad_plan("the plan was edited by hand",
                    fmt::format("its digest is {}, it says {}", actual, stated), "flyt plan");
  }
  FLYT_ASSIGN(auto plan, plan_from(json));
  plan.digest = stated;
  FLYT_TRY(check_sense(plan));
  return plan;
}

Result<Plan> read_plan(const std::filesystem::path& file) {
  FLYT_ASSIGN(const auto text, read_file(file, largest_file));
  return within(file.string(), parse_plan(text));
}

}  // namespace flyt
