// Machines in what a cluster does beside running them: each kind, what others have in it, and what
// is left of it.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "drivers/decorators/retry.hpp"
#include "drivers/proxmox/check.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

using Json = nlohmann::json;
using Stage = tests::ProxmoxStage;

std::string told(const Error& error) { return tests::told_whole(error); }

Machine make(const Stage& stage, const MachineSpec& spec) {
  const auto made = stage.driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  return *made;
}

// One with the MAC address that nobody else has.
MachineSpec spec_of(const std::string& name) {
  MachineSpec spec = tests::proxmox_spec(name);
  if (name != "web01") spec.nics[0].mac = "00:50:56:00:00:02";
  return spec;
}

// All of it is so, by what the driver has read back.
void enrol(const Stage& stage, const Machine& machine, const Enrolment& wanted) {
  const auto seen = stage.driver->enrol(machine.id, wanted, {machine.migration_id, 1}, {});
  if (!seen) FAIL(told(seen.error()));
  CHECK(lacking(wanted, *seen) == Enrolment());
}

Error refused(const Stage& stage, const Machine& machine, const Enrolment& wanted) {
  auto seen = stage.driver->enrol(machine.id, wanted, {machine.migration_id, 1}, {});
  REQUIRE_FALSE(seen);
  return std::move(seen).error();
}

void destroy(const Stage& stage, const Machine& machine) {
  const Status gone = stage.driver->destroy(machine.id, {machine.migration_id, 1}, {});
  if (!gone) FAIL(told(gone.error()));
  CHECK_FALSE(stage.left().at("vms").contains(machine.id));
}

std::string path_of(const Machine& machine) { return "/nodes/pve1/qemu/" + machine.id; }

int changes(const Stage& stage) {
  return stage.fake->control("GET", "/counts").at("mutations").get<int>();
}

Json named(const Json& list, const char* key, const std::string& name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Json& one) { return one[key] == name; });
  return found == list.end() ? Json() : *found;
}

TEST_CASE("a machine starts with its node, in the order that is asked for", "[proxmox]") {
  Stage stage;
  const Machine machine = make(stage, spec_of("web01"));
  stage.fake->api("POST", path_of(machine) + "/config", {{"startup", "order=9,down=60"}});
  enrol(stage, machine, {.start_at_boot = true, .start_order = 7, .start_delay = 30});
  const auto config = stage.fake->api("GET", path_of(machine) + "/config");
  CHECK(config.at("onboot") == 1);
  CHECK(config.at("startup") == "order=7,down=60,up=30");
  const int before = changes(stage);
  enrol(stage, machine, {.start_at_boot = true, .start_order = 7});
  CHECK(changes(stage) == before);
}

constexpr std::string_view jobs_world = R"({
  "nodes": [{"name": "pve1"}, {"name": "pve2"}],
  "pools": {"moved": {}, "other": {}},
  "backup_jobs": [
    {"id": "nightly", "vmid": "4711,4712", "schedule": "21:00", "storage": "local"},
    {"id": "all", "all": 1, "schedule": "22:00"},
    {"id": "most", "all": 1, "exclude": "100,4711", "schedule": "22:00"},
    {"id": "pool", "pool": "other", "schedule": "22:00"},
    {"id": "away", "vmid": "4711", "node": "pve2", "schedule": "22:00"}]
})";

Json job(const Stage& stage, const std::string& id) {
  return stage.fake->api("GET", "/cluster/backup/" + id);
}

TEST_CASE("a machine joins a backup job beside those that are in it", "[proxmox]") {
  Stage stage(jobs_world);
  const Machine machine = make(stage, spec_of("web01"));
  Json before = job(stage, "nightly");
  enrol(stage, machine, {.backup_jobs = {"nightly", "all"}});
  before["vmid"] = "4711,4712," + machine.id;
  CHECK(job(stage, "nightly") == before);
  CHECK(job(stage, "all").at("all") == 1);
  CHECK_FALSE(job(stage, "all").contains("vmid"));
  const int so_far = changes(stage);
  enrol(stage, machine, {.backup_jobs = {"nightly", "all"}});
  CHECK(changes(stage) == so_far);
  destroy(stage, machine);
  CHECK(job(stage, "nightly").at("vmid") == "4711,4712");
}

TEST_CASE("a backup job that does not take a machine is left as it is", "[proxmox]") {
  Stage stage(jobs_world);
  const Machine machine = make(stage, spec_of("web01"));
  REQUIRE(machine.id == "100");
  struct Row {
    const char *name, *why;
  };
  const auto all = stage.fake->api("GET", "/cluster/backup");
  for (const Row& row :
       {Row{"most", "leaves 100 out"},
        Row{"pool", "of the pool other alone, and this one is in none"},
        Row{"away", machine.host == "pve2" ? "" : "runs on the node pve2 alone"}}) {
    INFO(row.name);
    const Error error = refused(stage, machine, {.start_at_boot = true, .backup_jobs = {row.name}});
    CHECK(error.code == Errc::invalid);
    CHECK(error.why.find(row.why) != std::string::npos);
    CHECK_FALSE(error.remedy.empty());
  }
  const Error none = refused(stage, machine, {.start_at_boot = true, .backup_jobs = {"weekly"}});
  CHECK(none.code == Errc::not_found);
  CHECK(none.what == "there is no backup job weekly");
  CHECK(stage.fake->api("GET", "/cluster/backup") == all);
  CHECK_FALSE(stage.left()["vms"]["100"]["config"].contains("onboot"));  // nothing was begun
}

TEST_CASE("two machines that join a backup job at once are both in it", "[proxmox]") {
  Stage stage(jobs_world);
  const Machine first = make(stage, spec_of("web01")), second = make(stage, spec_of("web02"));
  std::vector<Status> done(2);
  {
    const auto join = [&](const Machine& machine, Status& status) {
      const auto seen = stage.driver->enrol(machine.id, {.backup_jobs = {"nightly"}},
                                            {machine.migration_id, 1}, {});
      if (!seen) status = seen.error();
    };
    const std::jthread one(join, std::cref(first), std::ref(done[0]));
    const std::jthread two(join, std::cref(second), std::ref(done[1]));
  }
  for (const Status& status : done) {
    if (!status) FAIL(told(status.error()));
  }
  const std::string vmids = job(stage, "nightly").at("vmid");
  CHECK(vmids.starts_with("4711,4712,"));
  CHECK(vmids.size() == std::string("4711,4712,100,101").size());
}

constexpr std::string_view groups_world =
    R"({"security_groups": {"ssh": "", "web": "", "mail": ""}})";

TEST_CASE("whether the firewall is on at all is told with the groups", "[proxmox]") {
  const bool on = GENERATE(true, false);
  Stage stage(on ? R"({"security_groups": {"web": ""}, "firewall_options": {"enable": 1}})"
                 : R"({"security_groups": {"web": ""}})");
  const auto asked = stage.driver->inventory({.enrolments = {{.firewall = {"web"}}}}, {});
  if (!asked) FAIL(told(asked.error()));
  CHECK(asked->choices.firewall == std::vector<std::string>{"web"});
  CHECK(asked->choices.firewall_on == on);
  const auto others = stage.driver->inventory({.enrolments = {{.backup_jobs = {"x"}}}}, {});
  REQUIRE(others);
  CHECK_FALSE(others->choices.firewall_on);
}

TEST_CASE("security groups come before other rules, with the firewall on at each card",
          "[proxmox]") {
  Stage stage(groups_world);
  MachineSpec spec = spec_of("web01");
  spec.nics.push_back({"00:50:56:00:00:09", "vmbr0", 5, "virtio"});
  const Machine machine = make(stage, spec);
  REQUIRE(stage.driver->update_machine(machine.id, spec, {}));
  REQUIRE(stage.driver->set_power(machine.id, Driver::PowerChange::on, {}));
  stage.fake->api("POST", path_of(machine) + "/firewall/rules",
                  {{"type", "in"}, {"action", "DROP"}, {"enable", "1"}});
  const Error none = refused(stage, machine, {.firewall = {"web", "dns"}});
  CHECK(none.code == Errc::not_found);
  CHECK(none.what == "there is no security group dns");
  enrol(stage, machine, {.firewall = {"web", "ssh"}});
  enrol(stage, machine, {.firewall = {"web", "ssh"}});
  std::string order;
  for (const auto& rule : stage.fake->api("GET", path_of(machine) + "/firewall/rules")) {
    order += rule.at("action").get<std::string>() + " ";
  }
  CHECK(order == "web ssh DROP ");
  CHECK(stage.fake->api("GET", path_of(machine) + "/firewall/options").at("enable") == 1);
  const auto vm = stage.left()["vms"][machine.id];
  for (const char* card : {"net0", "net1"}) {
    CHECK(vm["config"][card].get<std::string>().find("firewall=1") != std::string::npos);
  }
  CHECK(vm["config"]["net1"].get<std::string>().find("tag=5") != std::string::npos);
  CHECK(vm["pending"].empty());  // it is so now, not after the next start
  CHECK(stage.driver->set_power(machine.id, Driver::PowerChange::forced_off, {}));
}

constexpr std::string_view replica_world = R"({
  "nodes": [{"name": "pve1"}, {"name": "pve2"}, {"name": "pve3"}],
  "storages": [
    {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images", "nodes": ["pve1", "pve2"]},
    {"storage": "data", "type": "dir", "content": "images"}]
})";

Stage replicating(const std::string& version = "8.4") {
  return Stage(replica_world, {"--version", version});
}

MachineSpec on_tank() {
  MachineSpec spec = spec_of("web01");
  spec.disks[0].storage = "tank";
  return spec;
}

TEST_CASE("a machine on ZFS is replicated to another node, until it is removed", "[proxmox]") {
  const Stage stage = replicating(GENERATE("8.4", "9.1"));
  EndpointConfig config = stage.fake->endpoint();
  config.values["node"] = "pve1";
  const auto driver = stage.connect(config);
  const auto made = driver->create_machine(on_tank(), {});
  if (!made) FAIL(told(made.error()));
  enrol(stage, *made, {.replicate_to = "pve2", .replicate_schedule = "*/30"});
  enrol(stage, *made, {.replicate_to = "pve2"});
  auto jobs = stage.fake->api("GET", "/cluster/replication");
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].at("id") == made->id + "-0");
  CHECK(jobs[0].at("target") == "pve2");
  CHECK(jobs[0].at("schedule") == "*/30");
  enrol(stage, *made, {.replicate_to = "pve2", .replicate_schedule = "*/10"});
  jobs = stage.fake->api("GET", "/cluster/replication");
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].at("schedule") == "*/10");
  destroy(stage, *made);
  CHECK(stage.fake->api("GET", "/cluster/replication").empty());
  CHECK(stage.fake->control("GET", "/counts")
            .at("calls")
            .value("DELETE /cluster/replication/{id}", 0) == 1);
}

TEST_CASE("what cannot be replicated says why", "[proxmox]") {
  const Stage stage = replicating();
  EndpointConfig config = stage.fake->endpoint();
  config.values["node"] = "pve1";
  const auto driver = stage.connect(config);
  const auto on_zfs = driver->create_machine(on_tank(), {});
  const auto on_files = driver->create_machine(spec_of("web02"), {});
  if (!on_zfs || !on_files) FAIL("no machines");
  CHECK(refused(stage, *on_zfs, {.replicate_to = "pve9"}).what == "there is no node pve9");
  CHECK(refused(stage, *on_zfs, {.replicate_to = "pve1"}).why == "it stands there itself");
  CHECK(refused(stage, *on_zfs, {.replicate_to = "pve3"}).why == "it has no storage tank");
  CHECK(refused(stage, *on_files, {.replicate_to = "pve2"}).why ==
        "a disk lies on data, which is no ZFS storage");
  CHECK(stage.fake->api("GET", "/cluster/replication").empty());
  const auto choices = stage.driver->inventory({.enrolments = {{.replicate_to = "pve2"}}}, {});
  if (!choices) FAIL(told(choices.error()));
  REQUIRE(choices->choices.replicas);
  REQUIRE(choices->choices.replicas->size() == 1);
  CHECK(choices->choices.replicas->at(0).storages == std::vector<std::string>{"tank"});
  CHECK_FALSE(choices->choices.backup_jobs);
}

constexpr std::string_view ha_world = R"({
  "ha_groups": [{"group": "north", "nodes": "pve1", "type": "group"}],
  "vms": [{"vmid": 4711, "config": {"name": "other"}}],
  "ha": [{"sid": "vm:4711", "state": "ignored"}],
  "ha_rules": [{"rule": "apart", "type": "resource-affinity", "affinity": "negative", "resources": "vm:4711"}]
})";

Json resource(const Stage& stage, const std::string& vmid) {
  return named(stage.fake->api("GET", "/cluster/ha/resources"), "sid", "vm:" + vmid);
}

TEST_CASE("a machine is made highly available in a group, and removed while it runs", "[proxmox]") {
  Stage stage(ha_world);
  const Machine machine = make(stage, spec_of("web01"));
  REQUIRE(stage.driver->set_power(machine.id, Driver::PowerChange::on, {}));
  CHECK(refused(stage, machine, {.ha = "started", .ha_group = "south"}).what ==
        "there is no HA group south");
  const Error rules = refused(stage, machine, {.ha = "started", .ha_rules = {"apart"}});
  CHECK(rules.code == Errc::unsupported);
  CHECK(rules.remedy.at(0).find("ha_group") != std::string::npos);
  CHECK(resource(stage, machine.id).is_null());
  enrol(stage, machine, {.ha = "started"});
  enrol(stage, machine, {.ha = "started", .ha_group = "north"});
  const int before = changes(stage);
  enrol(stage, machine, {.ha = "started", .ha_group = "north"});
  CHECK(changes(stage) == before);
  CHECK(resource(stage, machine.id).at("group") == "north");
  // Its manager starts what is switched off; it is switched off by it, then.
  REQUIRE(stage.driver->set_power(machine.id, Driver::PowerChange::forced_off, {}));
  CHECK(resource(stage, machine.id).at("state") == "stopped");
  REQUIRE(stage.driver->set_power(machine.id, Driver::PowerChange::on, {}));
  destroy(stage, machine);
  CHECK(resource(stage, machine.id).is_null());
  CHECK(resource(stage, "4711").at("state") == "ignored");
}

TEST_CASE("from version 9 on a machine joins rules, beside those that are in them", "[proxmox]") {
  Stage stage(ha_world, {"--version", "9.1"});
  const Machine machine = make(stage, spec_of("web01"));
  const Error group = refused(stage, machine, {.ha = "ignored", .ha_group = "north"});
  CHECK(group.code == Errc::unsupported);
  CHECK(group.remedy.at(0).find("ha_rules") != std::string::npos);
  CHECK(refused(stage, machine, {.ha = "ignored", .ha_rules = {"beside"}}).what ==
        "there is no HA rule beside");
  const auto rule = [&] { return stage.fake->api("GET", "/cluster/ha/rules/apart"); };
  enrol(stage, machine, {.ha = "ignored", .ha_rules = {"apart"}});
  enrol(stage, machine, {.ha = "ignored", .ha_rules = {"apart"}});
  CHECK(rule().at("resources") == "vm:4711,vm:" + machine.id);
  CHECK(rule().at("affinity") == "negative");
  destroy(stage, machine);
  CHECK(rule().at("resources") == "vm:4711");
}

TEST_CASE("an answer that was lost enrols nobody twice", "[proxmox]") {
  Stage stage(jobs_world);
  const Machine machine = make(stage, spec_of("web01"));
  const auto driver = with_retries(stage.connect(),
                                   {3, std::chrono::milliseconds(1), std::chrono::milliseconds(2)});
  for (const char* path : {"^/cluster/backup/nightly$", "^/cluster/ha/resources$"}) {
    stage.fake->control(
        "POST", "/faults",
        {{"method", path[10] == 'b' ? "PUT" : "POST"}, {"path", path}, {"reset", "after"}});
  }
  const Enrolment wanted{.ha = "ignored", .backup_jobs = {"nightly"}};
  const auto seen = driver->enrol(machine.id, wanted, {machine.migration_id, 1}, {});
  if (!seen) FAIL(told(seen.error()));
  CHECK(lacking(wanted, *seen) == Enrolment());
  CHECK(job(stage, "nightly").at("vmid") == "4711,4712," + machine.id);
}

// A login with the role of a target.
EndpointConfig poor(const Stage& stage, const std::string& version) {
  std::string privileges;
  for (const std::string& one : role_privileges(Side::target, version)) privileges += one + " ";
  stage.fake->api("POST", "/access/roles", {{"roleid", "R"}, {"privs", privileges}});
  stage.fake->api("POST", "/access/users", {{"userid", "poor@pve"}});
  const auto token =
      stage.fake->api("POST", "/access/users/poor@pve/token/move", {{"privsep", "0"}});
  stage.fake->api("PUT", "/access/acl", {{"path", "/"}, {"users", "poor@pve"}, {"roles", "R"}});
  return stage.as_token("poor@pve!move", token.at("value").get<std::string>());
}

TEST_CASE("privileges are asked for where a site asks for what needs them", "[proxmox]") {
  struct Row {
    Enrolment wanted;
    std::string_view version, lacks, path;
  };
  const Row row = GENERATE(Row{{.start_at_boot = true}, "8.4", "", ""},
                           Row{{.firewall = {"web"}}, "8.4", "", ""},
                           Row{{.start_order = 1}, "8.4", "Sys.Modify", "/"},
                           Row{{.backup_jobs = {"nightly"}}, "8.4", "Sys.Modify", "/"},
                           Row{{.ha = "ignored"}, "9.1", "Sys.Console", "/"},
                           Row{{.replicate_to = "pve2"}, "8.4", "Datastore.Allocate", "/storage"},
                           Row{{.replicate_to = "pve2"}, "9.1", "VM.Replicate", "/vms"});
  INFO(row.version << " " << fmt::format("{}", fmt::join(enrolment_words(row.wanted), ", ")));
  Json world = Json::parse(replica_world);
  world["backup_jobs"] = Json::parse(jobs_world)["backup_jobs"];
  world["security_groups"] = {{"web", ""}};
  Stage stage(world.dump(), {"--version", std::string(row.version)});
  const std::string version = row.version == "8.4" ? "8.4.1" : "9.1.3";
  EndpointConfig config = poor(stage, version);
  config.values["node"] = "pve1";
  const auto driver = stage.connect(config);
  const auto findings = [&](std::vector<Enrolment> enrolments) {
    const auto found = driver->inventory(
        {.findings = true, .source = false, .enrolments = std::move(enrolments)}, {});
    if (!found) FAIL(told(found.error()));
    return found->findings;
  };
  CHECK(findings({}).empty());
  const auto found = findings({row.wanted});
  REQUIRE(found.size() == (row.lacks.empty() ? 0 : 1));
  const auto made = driver->create_machine(on_tank(), {});
  if (!made) FAIL(told(made.error()));
  const Owner owner{made->migration_id, 1};
  const auto seen = driver->enrol(made->id, row.wanted, owner, {});
  if (row.lacks.empty()) {
    if (!seen) FAIL(told(seen.error()));
    return;
  }
  CHECK(found[0].text.find(fmt::format(": {} on {} is missing", row.lacks, row.path)) !=
        std::string::npos);
  REQUIRE_FALSE(seen);
  CHECK(seen.error().code == Errc::denied);
  CHECK(seen.error().seen.find(row.lacks) != std::string::npos);
  REQUIRE(seen.error().remedy.size() == 3);
  CHECK(seen.error().remedy[0].find("pveum role add Flyt") == 0);
  stage.fake->api("POST", "/access/roles",
                  {{"roleid", "After"}, {"privs", std::string(row.lacks)}});
  stage.fake->api("PUT", "/access/acl", {{"path", "/"}, {"users", "poor@pve"}, {"roles", "After"}});
  CHECK(findings({row.wanted}).empty());
  const auto granted = driver->enrol(made->id, row.wanted, owner, {});
  if (!granted) FAIL(told(granted.error()));
  CHECK(lacking(row.wanted, *granted) == Enrolment());
}

}  // namespace
}  // namespace flyt::proxmox
