#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/enrolment_fields.hpp"
#include "base/fields_json.hpp"
#include "base/machine_fields.hpp"
#include "base/verdict_fields.hpp"
#include "plans/canonical_json.hpp"
#include "plans/plan_document.hpp"
#include "plans/schema_json.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

constexpr const char* schema_name = "https://flyt.example/schema/plan-1.json";
constexpr std::uint64_t largest_file = 256U << 20;

}  // namespace

static std::string_view to_string(Fact::Kind kind) {
  return std::array{"pinned", "bounded", "noted"}.at(static_cast<std::size_t>(kind));
}

static std::string_view to_string(Probe::Kind kind) {
  return std::array{"tcp", "http", "agent"}.at(static_cast<std::size_t>(kind));
}

template <>
struct Fields<Fact> {
  static constexpr std::array kinds = {Fact::Kind::pinned, Fact::Kind::bounded, Fact::Kind::noted};
  static void visit(auto& io, auto& fact) {
    io.one_of("kind", fact.kind, kinds);
    io("subject", fact.subject);
    io("name", fact.name);
    io("value", fact.value);
  }
};

template <>
struct Fields<Probe> {
  static constexpr std::array kinds = {Probe::Kind::tcp, Probe::Kind::http, Probe::Kind::agent};
  static void visit(auto& io, auto& probe) {
    io.one_of("kind", probe.kind, kinds);
    io("target", probe.target);
    io("expect", probe.expect);
  }
};

template <>
struct Fields<DiskSpec> {
  static void visit(auto& io, auto& disk) {
    io("size_bytes", disk.size_bytes);
    io.word("bus", disk.bus, &bus_from);
    io("controller", disk.controller);
    io("storage", disk.storage);
    io("format", disk.format);
    io("boots", disk.boots);
    io.unless_empty("land_by", disk.land_by);
  }
};

template <>
struct Fields<NicSpec> {
  static void visit(auto& io, auto& nic) {
    io("mac", nic.mac);
    io("network", nic.network);
    io("vlan", nic.vlan);
    io("model", nic.model);
  }
};

template <>
struct Fields<MachineSpec> {
  static void visit(auto& io, auto& spec) {
    io("name", spec.name);
    io("uuid", spec.uuid);
    io("notes", spec.notes);
    io("cpus", spec.cpus);
    io("sockets", spec.sockets);
    io("memory_bytes", spec.memory_bytes);
    io.word("firmware", spec.firmware, &firmware_from);
    io("secure_boot", spec.secure_boot);
    io.unless_false("tpm", spec.tpm);
    io.word("clock", spec.clock, &clock_from);
    io("guest", spec.guest);
    io("disks", spec.disks);
    io("nics", spec.nics);
    io.unless_empty("generation_id", spec.generation_id);
    io.unless_false("is_template", spec.is_template);
    io.unless_empty("bare", spec.bare);
  }
};

template <>
struct Fields<PlannedMachine> {
  static void visit(auto& io, auto& machine) {
    io("migration_id", machine.migration_id);
    io.lenient("source", machine.source);
    io("spec", machine.spec);
    io("convert", machine.convert);
    io("convert_why", machine.convert_why);
    io("placement_why", machine.placement_why);
    io("facts", machine.facts);
    io("probes", machine.probes);
    io("marker", machine.marker);
    io("boot_timeout_s", machine.boot_timeout);
    io("copy_bytes", machine.copy_bytes);
    io.unless_false("track_changes", machine.track_changes);
    io.unless_zero("introduce_s", machine.introduce);
    io.unless_empty("after", machine.after);
    io("adopts", machine.adopts);
  }
};

template <>
struct Fields<Wave> {
  static void visit(auto& io, auto& wave) {
    io("name", wave.name);
    io("machines", wave.machines);
  }
};

template <>
struct Fields<Estimate> {
  static void visit(auto& io, auto& estimate) {
    io("disk_bytes", estimate.disk_bytes);
    io("copy_bytes", estimate.copy_bytes);
    io("low_s", estimate.low);
    io("likely_s", estimate.likely);
    io("high_s", estimate.high);
    io.unless_zero("land_bytes", estimate.land_bytes);
    io.unless_zero("land_s", estimate.land);
  }
};

// The endpoints and the site are objects of the document, not of a Plan.
template <>
struct Fields<Plan> {
  static void visit(auto& io, auto& plan) {
    io("flyt_version", plan.flyt_version);
    io("inventory_digest", plan.inventory_digest);
    io("machines", plan.machines);
    io("waves", plan.waves);
    io("concerns", plan.concerns);
    io("ground", plan.ground);
    io("estimate", plan.estimate);
  }
};

namespace {

Json plan_json(const Plan& plan) {
  Json json = fields_json(plan);
  json["$schema"] = schema_name;
  json["version"] = plan_version;
  json["site"] = {{"id", plan.site_id}, {"name", plan.site_name}, {"digest", plan.site_digest}};
  json["source"] = {{"name", plan.source}, {"platform_id", plan.source_platform_id}};
  json["target"] = {{"name", plan.target}, {"platform_id", plan.target_platform_id}};
  return json;
}

// Of the document without its digest. Empty for numbers that JSON cannot hold: fits no plan.
std::string digest_of(const Json& json) {
  const auto text = canonical_text(json);
  return text ? to_hex(sha256(*text)) : std::string();
}

Result<Plan> plan_from(const Json& json) {
  FLYT_ASSIGN(Plan plan, fields_from<Plan>(json, "", Words::strict));
  for (PlannedMachine& one : plan.machines) one.spec.owner.id = one.migration_id;
  JsonMembers site(json.at("site"), "site"), source(json.at("source"), "source"),
      target(json.at("target"), "target");
  site.read("id", plan.site_id);
  site.read("name", plan.site_name);
  site.read("digest", plan.site_digest);
  FLYT_TRY(std::move(site).status());
  source.read("name", plan.source);
  source.read("platform_id", plan.source_platform_id);
  FLYT_TRY(std::move(source).status());
  target.read("name", plan.target);
  target.read("platform_id", plan.target_platform_id);
  return std::move(target).give(std::move(plan));
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
