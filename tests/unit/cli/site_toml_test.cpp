#include "cli/site_toml.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "tests/catch.hpp"

namespace {

using flyt::Convert;
using flyt::DriverEntry;
using flyt::KeyInfo;
using flyt::Probe;
using flyt::SecretSource;

constexpr std::array keys{
    KeyInfo{"url", "where it is", true, false}, KeyInfo{"user", "who", false, false},
    KeyInfo{"port", "a number", false, false}, KeyInfo{"password", "of the user", false, true}};
const std::array drivers{DriverEntry{"libvirt", "a host", keys, nullptr},
                         DriverEntry{"ova", "a file", {}, nullptr}};

const std::string head = "[site]\nid = \"0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11\"\n";

flyt::Result<flyt::Site> read(const std::string& text) {
  return flyt::cli::parse_site(text, "/etc/site/flyt.toml", drivers);
}

const std::string whole = head + R"toml(name = "Guldborgsund"
state = "state"

[move]
from = "export"
to = "kvm"

[policy]
countries = ["DK", "SE"]
control = ["EU", "EEA", "CH"]

[endpoints.export]
driver = "ova"

[endpoints.kvm]
driver = "libvirt"
url = "qemu:///system"
port = 22
password = { command = "pass show kvm" }
ground = { country = "DK", operator = "Us", owner = "We", control = ["DK"] }
limits = { rate = "200 MiB/s", connections = 8, view_min_free = 20, view_max_age = "2 h" }

[map.networks]
"VM Network" = "default"
"Servere (VLAN 120)" = { network = "br0", vlan = 120 }

[map.kvm.storages]
"*" = "fast"

[defaults]
convert = "virt-v2v"
boot_timeout = "3 min"
settle = "2 min"
track_changes = true
secure_boot = false
tpm = "new"

[defaults.after]
start_at_boot = true
start_order = 10
start_delay = "1 min"
ha = "started"
ha_group = "north"
ha_rules = ["apart"]
backup_jobs = ["nightly", "weekly"]
replicate_to = "pve2"
replicate_schedule = "*/30"
firewall = ["web"]

[machines.web01]
name = "web-1"
wave = 2
convert = "none"
marker = "ready"
secure_boot = true
tpm = "none"
after = { backup_jobs = [] }
probes = [ { http = "https://web01.example/health", expect = 204 }, { tcp = "web01:443" }, { agent = true } ]
)toml";

}  // namespace

TEST_CASE("a whole site file is read", "[cli][site]") {
  const auto site = read(whole);
  REQUIRE(site);
  CHECK(site->name == "Guldborgsund");
  CHECK(site->state == "/etc/site/state");
  CHECK(site->from == "export");
  CHECK(site->to == "kvm");
  CHECK(site->policy.control == std::vector<std::string>{"EU", "EEA", "CH"});
  const auto& kvm = site->endpoints.at("kvm");
  CHECK(kvm.values.at("port") == "22");
  CHECK(kvm.secrets.at("password").kind == SecretSource::Kind::command);
  CHECK(kvm.ground->operator_name == "Us");
  CHECK(kvm.limits.rate == 200U << 20);
  CHECK(kvm.limits.connections == 8);
  CHECK(kvm.limits.view_min_free == 20);
  CHECK(kvm.limits.view_max_age == std::chrono::hours(2));
  CHECK(kvm.folder == "/etc/site");
  CHECK(kvm.state == "/etc/site/state");
  CHECK(site->mappings.at("").networks.at("Servere (VLAN 120)").vlan == 120U);
  CHECK(site->mappings.at("kvm").storages.at("*") == "fast");
  CHECK(site->defaults.track_changes == true);
  CHECK(site->defaults.secure_boot == false);
  CHECK(site->defaults.new_tpm == true);
  CHECK(site->defaults.boot_timeout == std::chrono::seconds(180));
  CHECK(site->defaults.settle == std::chrono::seconds(120));
  const auto& after = site->defaults.after;
  CHECK(after.start_at_boot == true);
  CHECK(after.start_order == 10U);
  CHECK(after.start_delay == 60U);
  CHECK(after.ha == "started");
  CHECK(after.ha_group == "north");
  CHECK(after.ha_rules == std::vector<std::string>{"apart"});
  CHECK(after.backup_jobs == std::vector<std::string>{"nightly", "weekly"});
  CHECK(after.replicate_to == "pve2");
  CHECK(after.replicate_schedule == "*/30");
  CHECK(after.firewall == std::vector<std::string>{"web"});
  const auto& web = site->machines.at("web01");
  CHECK(web.after.backup_jobs == std::vector<std::string>{});  // none, whatever the defaults say
  CHECK_FALSE(web.after.start_at_boot);
  CHECK(web.convert == Convert::none);
  CHECK(web.secure_boot == true);
  CHECK(web.new_tpm == false);
  CHECK(web.name == "web-1");
  CHECK(web.wave == 2U);
  REQUIRE(web.probes.size() == 3);
  CHECK(web.probes[0].expect == 204);
  CHECK(web.probes[1].target == "web01:443");
  CHECK(web.probes[2].kind == Probe::Kind::agent);
  CHECK(site->digest.size() == 64);
}

TEST_CASE("what is wrong in a site file is named with its line and a way out", "[cli][site]") {
  struct Row {
    std::string text, what, remedy;
  };
  const std::string kvm = head + "[endpoints.kvm]\ndriver = \"libvirt\"\nurl = \"x\"\n";
  const std::vector<Row> rows = {
      {"x = ", "flyt.toml line 1: this is not TOML", ""},
      {"", "flyt.toml line 1: there is no [site] table", "flyt init"},
      {"[site]\nname = \"x\"\n", "line 1: site.id: is missing", "flyt init"},
      {"[site]\nid = \"7\"\n", "line 2: site.id: this is not a UUID", "flyt init"},
      {"[site]\nid = 7\n", "line 2: site.id: a text in quotes is expected", "write id = \"...\""},
      {head + "nam = \"x\"\n", "line 3: site.nam: there is no such key", "write name"},
      {head + "[polcy]\n", "polcy: there is no such key", "write policy"},
      {head + "[policy]\ncountries = [\"UK\"]\n", "\"UK\" is no ISO 3166-1 country code",
       "write GB"},
      {head + "[policy]\ncountries = [\"dk\"]\n", "\"dk\" is no", "write DK"},
      {head + "[policy]\ncontrol = [\"NATO\"]\n", "line 4: policy.control: \"NATO\" is no", "EEA"},
      {head + "[policy]\ncontrol = \"EU\"\n", "a list of texts is expected",
       "write control = [\"...\", \"...\"]"},
      {head + "[policy]\ncountries = [false]\n", "a list of texts is expected", ""},
      {head + "[endpoints.a]\ndriver = \"libvrit\"\n",
       "line 4: endpoints.a.driver: there is no "
       "driver \"libvrit\"",
       "write libvirt"},
      {head + "[endpoints.a]\n", "endpoints.a.driver: is missing", ""},
      {head + "[endpoints.a]\ndriver = \"libvirt\"\n", "endpoints.a: url is missing",
       "url is where it is"},
      {kvm + "usr = \"x\"\n", "line 6: endpoints.kvm.usr: there is no such key", "write user"},
      {kvm + "password = \"hunter2\"\n",
       "line 6: endpoints.kvm.password: a secret does not stand in the site file", "command ="},
      {kvm + "password = { env = \"A\", file = \"b\" }\n", "from exactly one place",
       "password = { env ="},
      {kvm + "password = { envv = \"A\" }\n", "password.envv: there is no such key", "write env"},
      {kvm + "url2 = [1]\n", "there is no such key", "write url"},
      {kvm + "user = [1]\n", "user: a text in quotes is expected", ""},
      {kvm + "ground = { provider = \"x\", region = \"y\", country = \"DK\" }\n", "not a mixture",
       ""},
      {kvm + "ground = { provider = \"x\" }\n", "not a mixture", ""},
      {kvm + "ground = { country = \"DK\", operator = \"x\" }\n", "ground.owner: is missing", ""},
      {kvm + "ground = { country = \"EU\", operator = \"x\", owner = \"y\" }\n",
       "\"EU\" is no ISO 3166-1 country code", "such as DK"},
      {kvm + "limits = { rate = 200 }\n", "limits.rate: needs a unit",
       "write rate = \"200 MiB/s\""},
      {kvm + "limits = { rate = \"fast\" }\n", "\"fast\" is no rate", ""},
      {kvm + "limits = { connections = 0 }\n", "from 1 to 64", ""},
      {kvm + "limits = { view_min_free = 91 }\n", "from 0 to 90", "15"},
      {kvm + "limits = { view_max_age = \"old\" }\n", "\"old\" is no duration", "24 h"},
      {kvm + "[move]\nto = \"kwm\"\n", "move.to: there is no [endpoints.kwm]", "write kvm"},
      {kvm + "[map.kvn.networks]\n", "map.kvn: there is no such key", "write kvm"},
      {kvm + "[map.networks]\nx = { network = \"y\", vlan = 4095 }\n", "from 1 to 4094", ""},
      {kvm + "[map.networks]\n\"VM Net\" = \"\"\n", "map.networks.VM Net: is missing",
       "write \"VM Net\" = \"TEXT\""},
      {kvm + "[defaults]\nconvert = \"yes\"\n", "\"auto\", \"virt-v2v\", \"in-guest\" or \"none\"",
       ""},
      {kvm + "[defaults]\nboot_timeout = 180\n", "a text in quotes is expected", ""},
      {kvm + "[defaults]\nboot_timeout = \"soon\"\n", "\"soon\" is no duration", "\"180 s\""},
      {kvm + "[defaults]\nboot_timeout = \"25 h\"\n", "at most a day", ""},
      {kvm + "[defaults]\nsecure_boot = \"no\"\n", "secure_boot: true or false is expected", ""},
      {kvm + "[defaults]\ntpm = true\n", "tpm: a text in quotes is expected", ""},
      {kvm + "[machines.a]\ntpm = \"empty\"\n", "tpm: is \"new\" or \"none\"", "tpm = \"new\""},
      {kvm + "[defaults]\nwave = 1\n", "defaults.wave: there is no such key", ""},
      {kvm + "[defaults.after]\nbackup_job = \"x\"\n", "after.backup_job: there is no such key",
       "write backup_jobs"},
      {kvm + "[defaults.after]\nstart_order = -1\n", "from 0 to 999999", ""},
      {kvm + "[defaults.after]\nstart_delay = 30\n", "a text in quotes is expected", ""},
      {kvm + "[machines.a.after]\nstart_delay = \"2 days\"\n", "no duration of at most a day",
       "\"30 s\""},
      {kvm + "[defaults.after]\nha = \"stopped\"\n", "\"started\", \"ignored\" or \"none\"",
       "write ha = \"started\""},
      {kvm + "[defaults.after]\nfirewall = [\"\"]\n", "a name in it is empty", ""},
      {kvm + "[machines.a]\nname = \"\"\n", "line 7: machines.a.name: is empty", ""},
      {kvm + "[machines.a]\nwave = 0\n", "wave: is a number from 1 to 1000", ""},
      {kvm + "[defaults]\nname = \"x\"\n", "defaults.name: there is no such key", ""},
      {kvm + "[machines.a]\nprobes = [ { tcp = \"host\" } ]\n", "\"host\" is not host:port", ""},
      {kvm + "[machines.a]\nprobes = [ { tcp = \"host:99999\" } ]\n", "is not host:port", ""},
      {kvm + "[machines.a]\nprobes = [ { http = \"ftp://x\" } ]\n", "no http or https URL", ""},
      {kvm + "[machines.a]\nprobes = [ { agent = false } ]\n", "this is no probe",
       "{ agent = true }"},
      {kvm + "[machines.a]\nprobes = [ { htp = \"x\" } ]\n", "there is no such key", "write http"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto site = read(row.text);
    REQUIRE_FALSE(site);
    CAPTURE(site.error().what);
    CHECK(site.error().code == flyt::Errc::invalid);
    CHECK(site.error().state == "nothing was done");
    CHECK_THAT(site.error().what, Catch::Contains(row.what));
    const auto remedy = fmt::format("{}", fmt::join(site.error().remedy, "\n"));
    CHECK_FALSE(remedy.empty());
    CHECK_THAT(remedy, Catch::Contains(row.remedy));
    CHECK_THAT(site.error().what + remedy, !Catch::Contains("hunter2"));
  }
}

TEST_CASE("the site digest knows what matters and leaves secrets and paths out", "[cli][site]") {
  const auto digest = [](std::string from, std::string_view what, std::string_view by) {
    if (!what.empty()) from.replace(from.find(what), what.size(), by);
    const auto site = read(from);
    REQUIRE(site);
    return site->digest;
  };
  const auto same = digest(whole, "", "");
  CHECK(digest(whole, "pass show kvm", "other command") == same);
  CHECK(digest(whole, "state = \"state\"", "state = \"/other\"") == same);
  for (const auto* what : {"Guldborgsund", "\"DK\", \"SE\"", "qemu:///system", "200 MiB/s",
                           "\"br0\"", "\"fast\"", "3 min", "web-1", "204", "operator = \"Us\"",
                           "\"apart\"", "\"*/30\"", "secure_boot = false", "\"new\""}) {
    CAPTURE(what);
    const std::string by = std::string(what) == "3 min"            ? "4 min"
                           : std::string(what) == "204"            ? "200"
                           : std::string(what) == "\"new\""        ? "\"none\""
                           : std::string(what)[0] == 's'           ? "secure_boot = true"
                           : std::string(what) == "200 MiB/s"      ? "1 MiB/s"
                           : std::string(what) == "\"DK\", \"SE\"" ? "\"DK\""
                           : std::string(what)[0] == '"'           ? "\"other\""
                           : std::string(what)[0] == 'o'           ? "operator = \"You\""
                                                                   : "other";
    CHECK(digest(whole, what, by) != same);
  }
}

TEST_CASE("a missing site file says how to get one", "[cli][site]") {
  const auto site = flyt::cli::read_site("/nowhere/flyt.toml", drivers);
  REQUIRE_FALSE(site);
  CHECK(site.error().what == "there is no site file flyt.toml");
  CHECK(site.error().remedy.front() == "flyt init");
}
