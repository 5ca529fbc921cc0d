#include "planners/concerns.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/unit/planners/example.hpp"

namespace {

using flyt::Plan;
using flyt::Severity;
using flyt::tests::Example;

struct Case {
  std::string code;
  std::string machine;  // empty: the whole plan
  std::function<void(Example&)> make;
  std::string text;
};

flyt::Machine on_target(const std::string& name, unsigned number) {
  flyt::Machine there = flyt::tests::machine(name, number);
  there.uuid = "11111111-0000-4000-8000-000000000000";
  return there;
}

std::string id_of_web() { return Example().plan().machines[1].migration_id; }

std::vector<Case> machine_cases() {
  return {
      {"M-ADDRESS", "web01",
       [](Example& e) {
         e.web().power = flyt::Power::on;
         e.source_can_cut_over = true;
         e.web().nics[0].addresses.clear();
       },
       "network card 0"},
      {"M-CLOCK", "web01",
       [](Example& e) {
         e.web().guest.family = flyt::GuestFamily::windows;
         e.site.machines["web01"].convert = flyt::Convert::none;
         e.web().clock = flyt::ClockBase::local_time;
       },
       "local time"},
      {"M-DISK-ODD-SIZE", "web01", [](Example& e) { e.web().disks[0].size_bytes += 512; },
       "10737418752 bytes"},
      {"M-DISK-SIZE", "web01", [](Example& e) { e.web().disks[0].size_bytes = 0; }, "disk 0"},
      {"M-DISK-UNREADABLE", "web01",
       [](Example& e) { e.web().disks[0].left_out = "raw mapping in physical mode"; },
       "raw mapping in physical mode"},
      {"M-FIRMWARE", "web01",
       [](Example& e) { e.web().firmware.kind = flyt::FirmwareKind::unknown; }, "BIOS"},
      {"M-HOT-ADD", "web01", [](Example& e) { e.web().hosting.memory_hot_add = true; },
       "while it runs"},
      {"M-IN-GUEST", "web01",
       [](Example& e) {
         e.target.can = {flyt::Capability::introduce};
         e.site.machines["web01"].convert = flyt::Convert::in_guest;
       },
       "60 s after its agent has answered"},
      {"M-MANY-DISKS", "web01",
       [](Example& e) {
         flyt::Disk tiny = e.web().disks[0];
         tiny.size_bytes = 1;
         e.web().disks.assign(21, tiny);
       },
       "21 disks"},
      {"M-NAME", "id-web01", [](Example& e) { e.web().name.clear(); }, "no name"},
      {"M-NIC-MAC", "web01", [](Example& e) { e.web().nics[0].mac.clear(); }, "network card 0"},
      {"M-NO-DISK", "web01", [](Example& e) { e.web().disks.clear(); }, "no disk"},
      {"M-NOT-CONVERTED", "web01",
       [](Example& e) { e.web().guest.family = flyt::GuestFamily::other; }, "not converted"},
      {"M-POWER", "web01", [](Example& e) { e.web().power = flyt::Power::on; }, "it runs"},
      {"M-POWER-UNKNOWN", "web01", [](Example& e) { e.web().power = flyt::Power::unknown; },
       "may be running"},
      {"M-RESERVED", "web01", [](Example& e) { e.web().hosting.memory_reserved_bytes = flyt::gib; },
       "0 MHz and 1 GiB"},
      {"M-RUNNING", "web01",
       [](Example& e) {
         e.web().power = flyt::Power::on;
         e.source_can_cut_over = true;
       },
       "it runs"},
      {"M-SECURE-BOOT", "web01", [](Example& e) { e.web().firmware.secure_boot = true; },
       "Secure Boot"},
      {"M-SECURE-BOOT-DRIVERS", "web01",
       [](Example& e) {
         flyt::tests::with_secure_boot(e);
         e.web().guest.family = flyt::GuestFamily::windows;
       },
       "Microsoft's signature"},
      {"M-SECURE-BOOT-KEYS", "web01", flyt::tests::with_secure_boot, "Microsoft's keys"},
      {"M-SIZE-UNKNOWN", "web01", [](Example& e) { e.web().memory_bytes.reset(); },
       "memory size is not known"},
      {"M-SUSPENDED", "web01", [](Example& e) { e.web().power = flyt::Power::suspended; },
       "suspended"},
      {"M-TEMPLATE", "web01",
       [](Example& e) {
         e.web().is_template = true;
         e.select = {"web01", "db01"};
       },
       "template"},
      {"M-TPM-NEW", "web01", flyt::tests::with_new_tpm, "new, empty TPM"},
      {"M-UNREADABLE", "web01", [](Example& e) { e.web().unreadable = "permission denied"; },
       "permission denied"},
      {"M-UPTIME", "web01",
       [](Example& e) { e.web().hosting.up_seconds = std::uint64_t{400} * 24 * 3600; }, "400 days"},
      {"M-UUID", "web01", [](Example& e) { e.web().uuid.clear(); }, "no uuid"},
      {"M-VTPM", "web01", [](Example& e) { e.web().firmware.tpm = true; }, "virtual TPM"},
      {"M-WINDOWS", "web01",
       [](Example& e) {
         e.web().guest.family = flyt::GuestFamily::windows;
         e.windows_lacks = {{.code = flyt::Errc::not_found, .what = "no drivers for Windows"}};
       },
       "no drivers"},
      {"M-WINDOWS-UNPROVEN", "web01",
       [](Example& e) { e.web().guest.family = flyt::GuestFamily::windows; }, "virt-v2v"},
  };
}

std::vector<Case> plan_cases() {
  static Plan old;
  old = Example().plan();
  old.machines[1].spec.disks[0].size_bytes += 1;
  return {
      {"P-ADOPT", "web01", [](Example& e) { e.adopt = &old; }, "earlier plan"},
      {"P-EMPTY", "", [](Example& e) { e.source.machines.clear(); }, "no machine of esx"},
      {"P-GROUND", "",
       [](Example& e) {
         e.ground[0].answer = flyt::Answer::fail;
         e.ground[0].why = "CH is not in the policy (EU)";
       },
       "CH is not in the policy"},
      {"P-GROUND-UNVERIFIED", "",
       [](Example& e) {
         e.ground[1].answer = flyt::Answer::unverified;
         e.ground[1].why = "no ground is stated";
       },
       "no ground is stated"},
      {"P-SETTINGS", "", [](Example& e) { e.site.machines["wbe01"].convert = flyt::Convert::none; },
       "[machines.\"wbe01\"] is no machine of esx"},
      {"P-SETTINGS", "",
       [](Example& e) {
         e.site.endpoints["another"];
         e.site.machines["wbe01"].convert = flyt::Convert::none;
       },
       "did you mean web01?"},
      {"P-WAVES", "", [](Example& e) { e.site.machines["web01"].wave = 1; }, "in 2 waves"},
      {"P-SAME-PLATFORM", "", [](Example& e) { e.target.platform_id = "ova"; }, "same platform"},
  };
}

void with_volume(Example& e) {
  e.source.volumes = {{"v1", "tools.iso", "ds-1", "iso", "raw", 4096}};
  e.target.storages[0].keeps = {"disk", "iso"};
  e.select = {"volume=tools.iso"};
}

std::vector<Case> target_cases() {
  return {
      {"T-AFTER", "web01",
       [](Example& e) { e.site.defaults.after.backup_jobs = std::vector<std::string>{"nightly"}; },
       "left out, since kvm cannot: backup job nightly"},
      {"T-AFTER-FIREWALL", "web01",
       [](Example& e) {
         e.target.can = {flyt::Capability::enrol};
         e.target.choices.firewall_on = false;
         e.site.machines["web01"].after.firewall = std::vector<std::string>{"web", "ssh"};
       },
       "the firewall of kvm is off: security group web, ssh keeps nobody out"},
      {"T-AFTER-MISSING", "web01",
       [](Example& e) {
         e.target.can = {flyt::Capability::enrol};
         e.target.choices.backup_jobs = std::vector<std::string>{"weekly"};
         e.site.machines["web01"].after.backup_jobs = std::vector<std::string>{"nightly"};
       },
       "no backup job \"nightly\", but weekly"},
      {"T-CPUS", "web01", [](Example& e) { e.web().cpus = 9; }, "9 CPUs"},
      {"T-IN-GUEST", "web01",
       [](Example& e) { e.site.machines["web01"].convert = flyt::Convert::in_guest; },
       "kvm cannot start it on SATA first"},
      {"T-MAC", "web01", [](Example& e) { e.target.machines.push_back(on_target("other", 1)); },
       "00:50:56:00:00:01 is taken: other on kvm"},
      {"T-MEMORY", "web01", [](Example& e) { e.web().memory_bytes = 33 * flyt::gib; },
       "32 GiB at most"},
      {"T-MEMORY-SUM", "", [](Example& e) { e.web().memory_bytes = 16 * flyt::gib; },
       "2 GiB more memory"},
      {"T-NAME", "web01", [](Example& e) { e.target.machines.push_back(on_target("web01", 9)); },
       "\"web01\" is taken: web01 on kvm"},
      {"T-NAME-CHANGED", "web_01",
       [](Example& e) {
         e.target.dns_names = true;
         e.web().name = "web_01";
       },
       "web_01 will be called web-01 on kvm"},
      {"T-NAME-INVALID", "web01", [](Example& e) { e.site.machines["web01"].name = "web/01"; },
       "web/01"},
      {"T-NETWORK", "web01", [](Example& e) { e.web().nics[0].network = "DMZ \"2\""; }, "DMZ"},
      {"T-NETWORK-INACTIVE", "web01", [](Example& e) { e.target.networks[0].active = false; },
       "not active"},
      {"T-NETWORK-MISSING", "web01", [](Example& e) { e.target.networks.clear(); },
       "no network \"lan\""},
      {"T-NIC-MODEL", "web01",
       [](Example& e) {
         e.site.machines["web01"].convert = flyt::Convert::none;
         e.web().nics[0].model = "VmxNet2";
       },
       "\"VmxNet2\""},
      {"T-OURS", "web01",
       [](Example& e) {
         e.target.machines.push_back(on_target("web01", 1));
         e.target.machines[0].migration_id = id_of_web();
       },
       "made by this migration"},
      {"T-OURS-DISKS", "web01",
       [](Example& e) {
         e.target.machines.push_back(on_target("web01", 1));
         e.target.machines[0].migration_id = id_of_web();
         e.web().disks[0].size_bytes += 1;
       },
       "has not the disks"},
      {"T-OURS-FIRMWARE", "web01",
       [](Example& e) {
         flyt::tests::with_secure_boot(e);
         e.target.machines.push_back(on_target("web01", 1));
         e.target.machines[0].migration_id = id_of_web();
         e.target.machines[0].firmware.secure_boot = false;
       },
       "has no Secure Boot"},
      {"T-OURS-GROWN", "web01",
       [](Example& e) {
         e.target.machines.push_back(on_target("web01", 1));
         e.target.machines[0].migration_id = id_of_web();
         e.target.can = {flyt::Capability::grow};
         e.web().disks[0].size_bytes += 1;
       },
       "gets larger disks"},
      {"T-PASSAGE-FULL", "web01",
       [](Example& e) {
         e.target.passages = {{"the state folder /srv/flyt", flyt::gib, true}};
       },
       "the state folder /srv/flyt has 1 GiB left"},
      {"T-STORAGE", "web01", [](Example& e) { e.web().disks[0].storage = "san"; }, "\"san\""},
      {"T-STORAGE-FULL", "web01",
       [](Example& e) { e.target.storages[0].free_bytes = 15 * flyt::gib; },
       "has 5 GiB left, it needs 10 GiB"},
      {"T-STORAGE-MISSING", "web01",
       [](Example& e) { e.site.mappings[""].storages["datastore1"] = "gone"; },
       "no storage \"gone\""},
      {"T-STORAGE-UNKNOWN", "web01", [](Example& e) { e.target.storages[0].free_bytes.reset(); },
       "default"},
      {"T-TPM", "web01",
       [](Example& e) {
         flyt::tests::with_new_tpm(e);
         e.target.new_tpm = false;
       },
       "kvm gives no TPM"},
      {"T-UUID", "web01",
       [](Example& e) {
         e.target.machines.push_back(on_target("other", 9));
         e.target.machines[0].uuid = e.web().uuid;
       },
       "other on kvm"},
      {"T-TEMPLATE", "web01",
       [](Example& e) {
         e.web().is_template = true;
         e.select = {"web01", "db01"};
       },
       "kvm knows no templates"},
      {"T-VOLUME", "tools.iso",
       [](Example& e) {
         with_volume(e);
         e.target.volumes = {{"p1/tools.iso", "tools.iso", "p1", "iso", "raw", 4096}};
       },
       "is taken: p1/tools.iso of kvm"},
      {"T-VOLUME-STORAGE", "tools.iso",
       [](Example& e) {
         with_volume(e);
         e.target.storages[0].keeps = {"disk"};
       },
       "takes no iso"},
  };
}

}  // namespace

TEST_CASE("An ordinary machine raises no concern", "[planners]") {
  const Plan plan = Example().plan();
  for (const auto& one : plan.concerns) {
    INFO(one.code << " " << one.machine << " " << one.text);
    CHECK(false);
  }
  CHECK(plan.machines.size() == 2);
}

TEST_CASE("Every concern is raised, and a blocker keeps its machine out", "[planners]") {
  std::set<std::string> seen;
  for (const auto& cases : {machine_cases(), plan_cases(), target_cases()}) {
    for (const Case& one : cases) {
      INFO(one.code);
      seen.insert(one.code);
      Example example;
      one.make(example);
      const Plan plan = example.plan();
      const auto* raised = flyt::tests::find(plan, one.code, one.machine);
      REQUIRE(raised != nullptr);
      CHECK_THAT(raised->text, Catch::Matchers::Contains(one.text));
      CHECK_THAT(raised->text, !Catch::Matchers::Contains("\n"));
      const bool blocks = raised->severity == Severity::blocker;
      if (!one.machine.empty()) CHECK(flyt::tests::planned(plan, one.machine) == !blocks);
      if (one.machine.empty() && blocks) CHECK(plan.machines.empty());
      // The other machine goes on unless the whole target is wrong for it too.
      if (one.code.starts_with("M-")) CHECK(flyt::tests::planned(plan, "db01"));
    }
  }
  for (const auto& kind : flyt::concern_kinds()) {
    INFO("no test raises " << kind.code);
    CHECK(seen.count(std::string(kind.code)) == 1);
  }
}

TEST_CASE("Codes are sorted, told apart and explained", "[planners]") {
  std::string last;
  for (const auto& kind : flyt::concern_kinds()) {
    CHECK(std::string(kind.code) > last);
    last = kind.code;
    CHECK_FALSE(kind.title.empty());
    CHECK_THAT(flyt::explain(kind), Catch::Matchers::Contains(std::string(kind.help)));
    CHECK(flyt::concern(kind.code, "m", "t").severity == kind.severity);
  }
}

TEST_CASE("What is usual raises nothing", "[planners]") {
  Example example;
  flyt::Machine& web = example.web();
  web.power = flyt::Power::on;
  web.hosting = {};
  web.hosting.cpu_hot_add = web.hosting.memory_hot_add = false;
  web.hosting.cpu_reserved_mhz = web.hosting.memory_reserved_bytes = 0;
  web.hosting.up_seconds = std::uint64_t{364} * 24 * 3600;
  web.clock = flyt::ClockBase::utc;
  const auto codes = [&] {
    std::string all;
    for (const auto& one : flyt::assess(example.site, {"esx", true}, web)) all += one.code + " ";
    return all;
  };
  CHECK(codes() == "M-RUNNING ");
  web.nics[0].addresses.clear();
  CHECK(codes() == "M-ADDRESS M-RUNNING ");
  web.nics[0].connected = false;
  CHECK(codes() == "M-RUNNING ");
  web.nics[0].connected = true;
  web.power = flyt::Power::off;
  CHECK(codes().empty());
  web.disks[0].size_bytes = flyt::mib;
  CHECK(codes().empty());
  web.guest.family = flyt::GuestFamily::windows;  // with its clock in UTC
  example.site.machines["web01"].convert = flyt::Convert::none;
  CHECK(codes().empty());
  example.site.machines["web01"].name = "web 01";
  for (const char* kind : {"VmxNet3", "flexible", "virtio", "E1000e"}) {
    INFO(kind);
    web.nics[0].model = kind;
    CHECK(flyt::tests::find(example.plan(), "T-NIC-MODEL") == nullptr);
    CHECK(flyt::tests::find(example.plan(), "T-NAME-INVALID") == nullptr);
  }
}

TEST_CASE("A blank name is no name on the target", "[planners]") {
  Example example;
  example.site.machines["web01"].name = "  ";
  REQUIRE(flyt::tests::find(example.plan(), "T-NAME-INVALID") != nullptr);
}

TEST_CASE("A name that the target cannot have is changed, but not one that the site gives",
          "[planners]") {
  Example example;
  example.target.dns_names = true;
  CHECK(flyt::tests::find(example.plan(), "T-NAME-CHANGED") == nullptr);
  example.web().name = "web_01";
  const auto called = [](const flyt::Plan& plan) {
    for (const flyt::PlannedMachine& one : plan.machines) {
      if (one.source.name == "web_01") return one.spec.name;
    }
    return std::string("(not planned)");
  };
  CHECK(called(example.plan()) == "web-01");
  example.site.machines["web_01"].name = "web_02";
  const flyt::Plan given = example.plan();
  CHECK(flyt::tests::find(given, "T-NAME-CHANGED", "web_01") == nullptr);
  CHECK(flyt::tests::find(given, "T-NAME-INVALID", "web_01") != nullptr);
  CHECK(called(given) == "(not planned)");
}

TEST_CASE("What a driver sees is part of the assessment", "[planners]") {
  Example example;
  example.web().concerns.push_back({"V-RDM-PHYSICAL", Severity::blocker, "", "raw disk", "detach"});
  const auto found = flyt::assess(example.site, {"esx"}, example.web());
  REQUIRE(found.size() == 1);
  CHECK(found[0].machine == "web01");
  CHECK_FALSE(flyt::tests::planned(example.plan(), "web01"));
}

TEST_CASE("What no plan can hold blocks its machine", "[planners]") {
  constexpr std::uint64_t too_large = std::uint64_t{1} << 53;
  for (const bool used : {false, true}) {
    Example example;
    if (used) example.web().disks[0].used_bytes = too_large;
    if (!used) example.web().disks[0].size_bytes = too_large;
    const Plan plan = example.plan();
    REQUIRE(flyt::tests::find(plan, "M-DISK-SIZE") != nullptr);
    CHECK_FALSE(flyt::tests::planned(plan, "web01"));
    CHECK(flyt::tests::planned(plan, "db01"));
  }
  Example memory;
  memory.target.hosts.clear();
  memory.web().memory_bytes = too_large;
  CHECK(flyt::tests::find(memory.plan(), "M-SIZE-UNKNOWN") != nullptr);
}

TEST_CASE("Settings of no machine name the nearest", "[planners]") {
  Example example;
  example.site.machines["wbe01"].convert = flyt::Convert::none;
  example.site.machines["mail"].wave = 1;
  example.site.machines["web01"].wave = 1;
  example.site.machines["db01"].wave = 1;
  const Plan plan = example.plan();
  REQUIRE(plan.concerns.size() == 2);  // one wave is one wave
  CHECK(plan.concerns[0].text == "[machines.\"mail\"] is no machine of esx");
  CHECK(plan.concerns[1].text == "[machines.\"wbe01\"] is no machine of esx; did you mean web01?");
}

TEST_CASE("An assessment says what a plan would say of the machine itself", "[planners]") {
  Example example;
  example.web().guest.family = flyt::GuestFamily::windows;
  example.web().power = flyt::Power::on;
  const auto codes = [&](bool can_cut_over) {
    std::set<std::string> all;
    for (const auto& one : flyt::assess(example.site, {"esx", can_cut_over, {}}, example.web())) {
      all.insert(one.code);
    }
    return all;
  };
  CHECK(codes(false) == std::set<std::string>{"M-POWER", "M-WINDOWS-UNPROVEN"});
  CHECK(codes(true) == std::set<std::string>{"M-RUNNING", "M-WINDOWS-UNPROVEN"});
  example.site.machines["web01"].convert = flyt::Convert::none;
  CHECK(codes(false) == std::set<std::string>{"M-POWER"});
}
