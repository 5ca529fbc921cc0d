#include "planners/planner.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "planners/estimate.hpp"
#include "planners/select.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/unit/planners/example.hpp"

namespace {

using flyt::Fact;
using flyt::Plan;
using flyt::PlannedMachine;
using flyt::tests::Example;

const PlannedMachine& machine_of(const Plan& plan, const std::string& name) {
  const auto found =
      std::find_if(plan.machines.begin(), plan.machines.end(),
                   [&](const PlannedMachine& one) { return one.source.name == name; });
  REQUIRE(found != plan.machines.end());
  return *found;
}

// All of a plan that is text, for comparing.
std::string in_words(const Plan& plan) {
  std::string text = plan.source + plan.target + plan.site_digest;
  for (const auto& one : plan.machines) {
    text += one.migration_id + one.spec.name + one.placement_why + one.convert_why + one.adopts;
    for (const auto& fact : one.facts) text += fact.subject + fact.name + fact.value;
  }
  for (const auto& one : plan.concerns) text += one.code + one.machine + one.text + one.remedy;
  for (const auto& one : plan.waves) {
    for (const auto& id : one.machines) text += id;
  }
  return text;
}

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> all;
  for (const auto& one : plan.machines) all.push_back(one.source.name);
  return all;
}

std::string fact(const PlannedMachine& machine, const std::string& subject, const std::string& name,
                 Fact::Kind kind = Fact::Kind::pinned) {
  for (const Fact& one : machine.facts) {
    if (one.subject == subject && one.name == name && one.kind == kind) return one.value;
  }
  return "none";
}

}  // namespace

TEST_CASE("Globs match as the shell's do", "[planners]") {
  const std::vector<std::pair<const char*, const char*>> yes = {
      {"*", ""},          {"*", "web"}, {"web*", "web01"}, {"w?b", "web"},      {"*01", "web01"},
      {"a*b*c", "a-b-c"}, {"**", "x"},  {"", ""},          {"*b*b*", "abababb"}};
  const std::vector<std::pair<const char*, const char*>> no = {
      {"", "a"}, {"?", ""}, {"web?", "web"}, {"*02", "web01"}, {"web", "web01"}, {"a*c", "ab"}};
  for (const auto& one : yes) CHECK(flyt::matches(one.first, one.second));
  for (const auto& one : no) CHECK_FALSE(flyt::matches(one.first, one.second));
}

TEST_CASE("Machines are selected by name, glob and tag", "[planners]") {
  Example example;
  example.source.machines.push_back(flyt::tests::machine("tmpl", 3));
  example.source.machines.back().is_template = true;
  example.source.machines.push_back(flyt::tests::machine("web02", 4));
  example.source.machines.back().migration_id = "flyt-x";
  example.web().tags = {"pilot", "dmz"};
  const std::map<std::string, std::vector<std::string>> cases = {
      {"", {"db01", "web01"}},  {"db01", {"db01"}},       {"web*", {"web01"}},
      {"*", {"db01", "web01"}}, {"tag=pilot", {"web01"}}, {"tag=p*", {"web01"}},
  };
  for (const auto& one : cases) {
    INFO(one.first);
    example.select = one.first.empty() ? flyt::Selection{} : flyt::Selection{one.first};
    CHECK(names(example.plan()) == one.second);
  }
  example.select = {"web02"};  // a name takes what flyt made, too
  CHECK(names(example.plan()) == std::vector<std::string>{"web02"});
  example.select = {"web01", "web*", "db01"};
  CHECK(names(example.plan()) == std::vector<std::string>{"db01", "web01"});
}

TEST_CASE("A selection that matches nothing names the nearest", "[planners]") {
  Example example;
  example.web().tags = {"pilot"};
  for (const auto& [word, near] : std::map<std::string, std::string>{
           {"web001", "did you mean web01?"}, {"tag=pilott", "did you mean tag=pilot?"}}) {
    example.select = {"db01", word};
    const auto plan = example.try_plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == flyt::Errc::invalid);
    CHECK_THAT(plan.error().what, Catch::Matchers::Contains(word));
    REQUIRE(plan.error().remedy.size() == 2);
    CHECK(plan.error().remedy[0] == near);
  }
  example.select = {"zzz*"};
  REQUIRE_FALSE(example.try_plan());
  CHECK(example.try_plan().error().remedy == std::vector<std::string>{"flyt inventory"});
}

TEST_CASE("What a user selects is split at commas, but for names that hold one", "[planners]") {
  using flyt::Selection;
  flyt::Inventory there;
  for (const char* name : {"a", "b", "c,d", "c", "e,f,g", "e,f"}) {
    there.machines.push_back(flyt::tests::machine(name, 1));
  }
  CHECK(flyt::split_words(there, "a") == Selection{"a"});
  CHECK(flyt::split_words(there, "a,b,tag=x") == Selection{"a", "b", "tag=x"});
  CHECK(flyt::split_words(there, "c,d") == Selection{"c,d"});
  CHECK(flyt::split_words(there, "b,c,d,a") == Selection{"b", "c,d", "a"});
  CHECK(flyt::split_words(there, "e,f,g,e,f") == Selection{"e,f,g", "e,f"});
  CHECK(flyt::split_words(there, "c,x") == Selection{"c", "x"});
  there.machines.push_back(flyt::tests::machine("a,b", 1));
  CHECK(flyt::split_words(there, "a,b") == Selection{"a", "b"});
  for (const char* empty : {"", ",", "a,", ",a", "a,,b", " "}) {
    INFO(empty);
    REQUIRE_FALSE(flyt::check_words(empty));
    CHECK(flyt::check_words(empty).error().code == flyt::Errc::invalid);
  }
  CHECK(flyt::check_words("a,b c"));
}

TEST_CASE("A converted guest gets virtio, another keeps what it had", "[planners]") {
  Example example;
  const auto converted = machine_of(example.plan(), "web01");
  CHECK(converted.convert);
  CHECK(converted.spec.disks[0].bus == flyt::Bus::virtio_blk);
  CHECK(converted.spec.disks[0].controller.empty());
  CHECK(converted.spec.disks[0].boots);
  CHECK(converted.spec.disks[0].storage == "default");
  CHECK(converted.spec.nics[0].model == "virtio");
  CHECK(converted.spec.nics[0].network == "lan");
  CHECK(converted.spec.nics[0].vlan == 120U);
  CHECK(converted.spec.nics[0].mac == "00:50:56:00:00:01");
  CHECK(converted.spec.uuid == example.web().uuid);
  CHECK(converted.spec.owner.epoch == 0);
  CHECK(converted.spec.owner.id == converted.migration_id);
  CHECK_THAT(converted.spec.notes, Catch::Matchers::Contains("web01 of esx"));
  CHECK(converted.copy_bytes == 3 * flyt::gib);

  example.site.machines["web01"].convert = flyt::Convert::none;
  const auto kept = machine_of(example.plan(), "web01");
  CHECK_FALSE(kept.convert);
  CHECK(kept.spec.disks[0].bus == flyt::Bus::scsi);
  CHECK(kept.spec.disks[0].controller == "lsilogic");
  CHECK(kept.spec.nics[0].model == "e1000");
  for (const char* word : {"PCNet32", "vlance", "Flexible", "pcnet"}) {
    example.web().nics[0].model = word;
    CHECK(machine_of(example.plan(), "web01").spec.nics[0].model == "pcnet");
  }
  CHECK(machine_of(example.plan(), "db01").convert);

  flyt::Disk tiny = example.web().disks[0];
  tiny.size_bytes = 512;
  tiny.boots = false;
  example.web().disks.assign(21, tiny);
  example.web().disks[3].boots = true;
  example.site.machines.clear();
  const auto many = machine_of(example.plan(), "web01");
  CHECK(many.spec.disks[20].bus == flyt::Bus::virtio_scsi);
  CHECK_FALSE(many.spec.disks[0].boots);
  CHECK(many.spec.disks[3].boots);
}

TEST_CASE("Windows goes as it is where the site says so", "[planners]") {
  Example example;
  example.web().guest.family = flyt::GuestFamily::windows;
  example.web().clock = flyt::ClockBase::unknown;
  example.site.defaults.convert = flyt::Convert::none;
  const auto plan = example.plan();
  REQUIRE(plan.concerns.size() == 1);
  CHECK(plan.concerns[0].code == "M-CLOCK");
  CHECK(machine_of(plan, "web01").spec.clock == flyt::ClockBase::local_time);
}

TEST_CASE("Settings of a machine come before the defaults", "[planners]") {
  Example example;
  example.site.defaults.boot_timeout = std::chrono::seconds{60};
  example.site.defaults.marker = "up";
  example.site.machines["web01"].boot_timeout = std::chrono::seconds{300};
  example.site.machines["web01"].name = "web01-new";
  example.site.machines["web01"].probes = {{flyt::Probe::Kind::tcp, "web01:443", 200}};
  const auto plan = example.plan();
  CHECK(machine_of(plan, "web01").boot_timeout == std::chrono::seconds{300});
  CHECK(machine_of(plan, "web01").marker == "up");
  CHECK(machine_of(plan, "web01").spec.name == "web01-new");
  CHECK(machine_of(plan, "web01").probes.size() == 1);
  CHECK(machine_of(plan, "db01").boot_timeout == std::chrono::seconds{60});
  CHECK(machine_of(plan, "db01").probes.empty());
}

TEST_CASE("Settings of another source's machines are no matter of this plan", "[planners]") {
  Example example;
  example.site.machines["mail01"].convert = flyt::Convert::none;
  const auto said = [](const Plan& plan) {
    return std::any_of(plan.concerns.begin(), plan.concerns.end(),
                       [](const flyt::Concern& one) { return one.code == "P-SETTINGS"; });
  };
  CHECK(said(example.plan()));
  example.site.endpoints["esx"];
  example.site.endpoints["kvm"];
  CHECK(said(example.plan()));
  example.site.endpoints["another"];
  CHECK_FALSE(said(example.plan()));
}

TEST_CASE("The target's own mapping comes first, then all, then the same name", "[planners]") {
  Example example;
  example.target.networks.push_back({.id = "n2", .name = "VM Network"});
  example.target.networks.push_back({.id = "n3", .name = "own"});
  const auto network = [&] { return machine_of(example.plan(), "web01").spec.nics[0].network; };
  example.site.mappings.clear();
  example.site.mappings[""].storages["*"] = "other";
  CHECK(network() == "VM Network");
  example.site.mappings[""].networks["*"] = {"lan", {}};
  CHECK(network() == "lan");
  example.site.mappings["kvm"].networks["*"] = {"own", {}};
  CHECK(network() == "own");
  example.site.mappings[""].networks["VM Network"] = {"lan", {}};
  CHECK(network() == "lan");  // a name before a star
  example.site.mappings["kvm"].networks["VM Network"] = {"own", {}};
  CHECK(network() == "own");
  CHECK(machine_of(example.plan(), "web01").spec.disks[0].storage == "other");
}

TEST_CASE("A target with one storage needs no mapping", "[planners]") {
  Example example;
  example.site.mappings[""].storages.clear();
  example.target.storages.resize(1);
  const auto plan = example.plan();
  CHECK(machine_of(plan, "web01").spec.disks[0].storage == "default");
  CHECK(machine_of(plan, "web01").placement_why ==
        "default (the only storage); default has 70 GiB left");
}

TEST_CASE("What is not mapped says which line would", "[planners]") {
  Example example;
  example.web().nics[0].network = "DMZ \"2\"";
  example.web().disks[0].storage = "san";
  const auto plan = example.plan();
  REQUIRE(flyt::tests::find(plan, "T-NETWORK") != nullptr);
  CHECK(flyt::tests::find(plan, "T-NETWORK")->remedy ==
        R"([map.networks]  "DMZ \"2\"" = { network = "lan" })");
  REQUIRE(flyt::tests::find(plan, "T-STORAGE") != nullptr);
  CHECK(flyt::tests::find(plan, "T-STORAGE")->remedy == R"([map.storages]  "san" = "default")");
}

TEST_CASE("Names and MAC addresses clash inside a plan too", "[planners]") {
  Example example;
  example.site.machines["web01"].name = "db01";
  example.source.machines[1].nics[0].mac = example.web().nics[0].mac;
  const auto plan = example.plan();
  CHECK(names(plan) == std::vector<std::string>{"db01"});
  REQUIRE(flyt::tests::find(plan, "T-NAME") != nullptr);
  CHECK_THAT(flyt::tests::find(plan, "T-NAME")->text,
             Catch::Matchers::Contains("db01 of this plan"));
  CHECK(flyt::tests::find(plan, "T-MAC") != nullptr);

  Example twins;
  twins.web().uuid = twins.source.machines[1].uuid;
  const auto none = twins.plan();
  CHECK(none.machines.empty());
  CHECK_THAT(flyt::tests::find(none, "M-UUID")->text,
             Catch::Matchers::Contains("db01 (id-db01) has the"));
  twins.select = {"web01"};  // alone: its twin may have been moved by an earlier plan
  const auto alone = twins.plan();
  CHECK(alone.machines.empty());
  REQUIRE(flyt::tests::find(alone, "M-UUID") != nullptr);
  CHECK_THAT(flyt::tests::find(alone, "M-UUID")->text, Catch::Matchers::Contains("db01"));
}

TEST_CASE("A machine keeps the identity that its guest knows", "[planners]") {
  Example example;
  const auto spec = [&] { return machine_of(example.plan(), "web01").spec; };
  CHECK(spec().uuid == example.web().uuid);
  CHECK(spec().generation_id.empty());
  const auto id = machine_of(example.plan(), "web01").migration_id;
  example.web().smbios_uuid = "5c241f42-a87f-fa60-6af6-a46351ced0eb";
  example.web().generation_id = "09512cc5-940a-8987-b950-f54f631015e8";
  CHECK(spec().uuid == "5c241f42-a87f-fa60-6af6-a46351ced0eb");
  CHECK(spec().generation_id == "09512cc5-940a-8987-b950-f54f631015e8");
  CHECK(machine_of(example.plan(), "web01").migration_id == id);
  example.web().smbios_uuid = example.web().generation_id = "no uuid";
  CHECK(spec().uuid == example.web().uuid);
  CHECK(spec().generation_id.empty());
}

TEST_CASE("Of two machines with one hardware uuid the first one keeps it", "[planners]") {
  Example example;
  for (flyt::Machine& machine : example.source.machines) {
    machine.smbios_uuid = "5c241f42-a87f-fa60-6af6-a46351ced0eb";
  }
  const auto plan = example.plan();
  CHECK(machine_of(plan, "db01").spec.uuid == example.web().smbios_uuid);
  CHECK(machine_of(plan, "web01").spec.uuid.empty());
  REQUIRE(flyt::tests::find(plan, "T-UUID") != nullptr);
  CHECK_THAT(flyt::tests::find(plan, "T-UUID")->text,
             Catch::Matchers::Contains("db01 of this plan"));
}

TEST_CASE("How long a machine has run changes no plan", "[planners]") {
  Example example;
  const std::string before = flyt::plan_digest(example.plan());
  example.web().hosting.up_seconds = 3600;
  CHECK(flyt::plan_digest(example.plan()) == before);
}

TEST_CASE("A MAC address is one however it is written, and within a machine too", "[planners]") {
  Example upper;
  upper.web().nics[0].mac = "00:50:56:AB:cd:01";
  upper.source.machines[1].nics[0].mac = "00-50-56-ab-CD-01";
  REQUIRE(flyt::tests::find(upper.plan(), "T-MAC") != nullptr);
  CHECK(names(upper.plan()) == std::vector<std::string>{"db01"});

  Example there;
  there.web().nics[0].mac = "00:50:56:AB:CD:01";
  there.target.machines.push_back(flyt::tests::machine("other", 7));
  there.target.machines[0].nics[0].mac = "00:50:56:ab:cd:01";
  CHECK_FALSE(flyt::tests::planned(there.plan(), "web01"));

  Example twice;
  twice.web().nics.push_back(twice.web().nics[0]);
  const auto plan = twice.plan();
  REQUIRE(flyt::tests::find(plan, "T-MAC") != nullptr);
  CHECK_THAT(flyt::tests::find(plan, "T-MAC")->text,
             Catch::Matchers::Contains("two of its network cards"));
  CHECK_FALSE(flyt::tests::planned(plan, "web01"));
}

TEST_CASE("A machine that this migration made is gone on with", "[planners]") {
  Example example;
  const auto first = example.plan();
  example.target.storages[0].free_bytes = 10 * flyt::gib;  // what is left after web01
  flyt::Machine made = example.web();
  made.id = "on-kvm";
  made.migration_id = machine_of(first, "web01").migration_id;
  example.target.machines.push_back(made);
  example.adopt = &first;
  Plan old = first;
  old.digest = "abcd";
  example.adopt = &old;
  const auto plan = example.plan();
  CHECK(plan.machines.size() == 2);
  CHECK(flyt::tests::find(plan, "T-OURS") != nullptr);
  CHECK(machine_of(plan, "web01").adopts == "abcd");
  CHECK(machine_of(plan, "web01").spec.uuid == example.web().uuid);
}

TEST_CASE("What this migration made with other disks blocks, adopted or not", "[planners]") {
  Example example;
  Plan old = example.plan();
  flyt::Machine made = example.web();
  made.migration_id = machine_of(old, "web01").migration_id;
  example.target.machines.push_back(made);
  example.web().disks.push_back(example.web().disks[0]);
  for (const Plan* adopt : {static_cast<const Plan*>(nullptr), static_cast<const Plan*>(&old)}) {
    example.adopt = adopt;
    const auto plan = example.plan();
    CHECK_FALSE(flyt::tests::planned(plan, "web01"));
    REQUIRE(flyt::tests::find(plan, "T-OURS-DISKS") != nullptr);
    CHECK(flyt::tests::find(plan, "T-OURS-DISKS")->remedy == "flyt undo web01 --target");
  }
  // A platform that rounds sizes up has made what was asked for.
  example.web().disks.pop_back();
  example.target.machines[0].disks[0].size_bytes += 4096;
  CHECK(flyt::tests::planned(example.plan(), "web01"));
}

TEST_CASE("Facts are pinned, bounded and noted", "[planners]") {
  Example example;
  example.web().host = "esx03";
  const auto machine = machine_of(example.plan(), "web01");
  CHECK(fact(machine, "source", "uuid") == example.web().uuid);
  CHECK(fact(machine, "source", "firmware") == "bios");
  CHECK(fact(machine, "source disk 0", "uuid") == "d-web01");
  CHECK(fact(machine, "source disk 0", "size_bytes") == "10737418240");
  CHECK(fact(machine, "source disk 0", "format", Fact::Kind::noted) == "vmdk-stream");
  CHECK(fact(machine, "source nic 0", "mac") == "00:50:56:00:00:01");
  CHECK(fact(machine, "target", "platform_id") == "kvm-host-uuid");
  CHECK(fact(machine, "target", "place") == "PASS DK");
  CHECK(fact(machine, "target", "owner") == "PASS Example");
  CHECK(fact(machine, "target storage default", "free_bytes", Fact::Kind::bounded) ==
        "10737418240");
  CHECK(fact(machine, "target", "memory_bytes", Fact::Kind::bounded) == "2147483648");
  CHECK(fact(machine, "source", "host", Fact::Kind::noted) == "esx03");
  CHECK(fact(machine, "source", "power", Fact::Kind::noted) == "off");
}

TEST_CASE("Same inputs give the same plan, in whatever order they were read", "[planners]") {
  Example example;
  for (unsigned i = 3; i < 9; ++i) {
    example.source.machines.push_back(flyt::tests::machine("m" + std::to_string(i), i));
  }
  example.source.machines[4].power = flyt::Power::on;
  const std::string once = in_words(example.plan());
  CHECK(in_words(example.plan()) == once);
  for (int turn = 0; turn < 5; ++turn) {
    std::rotate(example.source.machines.begin(), example.source.machines.begin() + 3,
                example.source.machines.end());
    std::reverse(example.source.machines.begin(), example.source.machines.begin() + 2);
    CHECK(in_words(example.plan()) == once);
  }
}

TEST_CASE("A plan has one wave and an estimate", "[planners]") {
  const auto plan = Example().plan();
  CHECK(plan.site_digest == "5175");
  CHECK(plan.inventory_digest == "1234");
  CHECK(plan.source_platform_id == "ova");
  CHECK(plan.digest.empty());
  REQUIRE(plan.waves.size() == 1);
  CHECK(plan.waves[0].machines ==
        std::vector<std::string>{plan.machines[0].migration_id, plan.machines[1].migration_id});
  CHECK(plan.estimate.disk_bytes == 20 * flyt::gib);
  CHECK(plan.estimate.copy_bytes == 6 * flyt::gib);
  CHECK(plan.estimate.low < plan.estimate.likely);
  CHECK(plan.estimate.likely < plan.estimate.high);
  CHECK(plan.estimate.land_bytes == 0);
  CHECK(flyt::estimate({}, {}).high == std::chrono::seconds{0});
}

TEST_CASE("A running machine is planned where the source makes views", "[planners]") {
  Example example;
  example.web().power = flyt::Power::on;
  example.source_can_cut_over = true;
  CHECK(example.plan().machines.size() == 2);
}

TEST_CASE("Change tracking is switched on where that is wanted and of use", "[planners]") {
  Example example;
  example.source_can_cut_over = example.source_can_track = true;
  example.site.defaults.track_changes = true;
  for (auto& machine : example.source.machines) machine.hosting.change_tracking = false;
  example.web().power = flyt::Power::on;
  CHECK(machine_of(example.plan(), "web01").track_changes);
  CHECK_FALSE(machine_of(example.plan(), "db01").track_changes);  // it is off
  SECTION("not for one that the site keeps out") {
    example.site.machines["web01"].track_changes = false;
  }
  SECTION("not unasked") { example.site.defaults.track_changes.reset(); }
  SECTION("not twice") { example.web().hosting.change_tracking = true; }
  SECTION("not where nobody knows") { example.web().hosting.change_tracking.reset(); }
  SECTION("not where the source cannot") { example.source_can_track = false; }
  CHECK_FALSE(machine_of(example.plan(), "web01").track_changes);
}

TEST_CASE("What a look inside has found stands in the plan, and sets the clock", "[planners]") {
  Example example;
  example.web().guest.family = flyt::GuestFamily::windows;
  example.web().clock = flyt::ClockBase::local_time;
  example.site.machines["web01"].convert = flyt::Convert::none;
  const auto clock = [&] { return machine_of(example.plan(), "web01").spec.clock; };
  const auto has = [&](const char* code) {
    return flyt::tests::find(example.plan(), code) != nullptr;
  };
  CHECK(clock() == flyt::ClockBase::local_time);
  CHECK(has("M-CLOCK"));

  flyt::Concern seen{"I-SYSTEM", flyt::Severity::info, "web01", "Windows Server 2019", ""};
  example.inside[example.web().id] = {{seen}, false};
  CHECK(clock() == flyt::ClockBase::local_time);
  CHECK(has("M-CLOCK"));
  CHECK(has("I-SYSTEM"));

  for (const auto stated : {flyt::ClockBase::local_time, flyt::ClockBase::unknown}) {
    example.web().clock = stated;
    example.inside[example.web().id].universal_clock = true;
    CHECK(clock() == flyt::ClockBase::utc);
    CHECK_FALSE(has("M-CLOCK"));
    // The source is still described as it described itself.
    CHECK(machine_of(example.plan(), "web01").source.clock == stated);
  }
  CHECK(machine_of(example.plan(), "db01").spec.clock == flyt::ClockBase::utc);
  CHECK(flyt::tests::find(example.plan(), "I-SYSTEM", "db01") == nullptr);
}
