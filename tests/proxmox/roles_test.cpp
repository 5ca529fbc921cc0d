// What a login may do with the roles that the documentation creates, and what it is told where one
// privilege is missing.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/identity.hpp"
#include "drivers/proxmox/check.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view value = "11111111-2222-3333-4444-555555555555";

std::string told(const Error& error) { return tests::told_whole(error); }

// A platform on which "u@pve" has the role of one side, and "u-PRIVILEGE@pve" all of it but that.
class Roles {
 public:
  Roles(Side side, const std::string& version)
      : side_(side), all_(role_privileges(side, version == "8.4" ? "8.4.1" : "9.1.3")) {
    add("u", all_);
    for (const std::string& one : all_) {
      std::vector<std::string> rest = all_;
      rest.erase(std::find(rest.begin(), rest.end(), one));
      add("u-" + one, rest);
    }
    // What virtual networks are is for those to see who may.
    world_["zones"] = {{{"zone", "lab"}, {"type", "simple"}}};
    world_["vnets"] = {{{"vnet", "red"}, {"zone", "lab"}, {"type", "vnet"}}};
    stage_.emplace(world_.dump(), std::vector<std::string>{"--version", version});
  }

  const std::vector<std::string>& all() const { return all_; }
  tests::ProxmoxFake& fake() const { return *stage_->fake; }

  EndpointConfig config(const std::string& user) const {
    return stage_->as_token(user + "@pve!move", std::string(value));
  }
  std::unique_ptr<Driver> connect(const EndpointConfig& config) const {
    return stage_->connect(config);
  }
  std::unique_ptr<Driver> driver(const std::string& user) const { return connect(config(user)); }

  std::vector<Finding> findings(const std::string& user) const {
    const Scope scope{
        .findings = true, .source = side_ == Side::source, .target = side_ == Side::target};
    const auto found = driver(user)->inventory(scope, {});
    if (!found) FAIL(user << ": " << told(found.error()));
    return found->findings;
  }

 private:
  void add(const std::string& user, const std::vector<std::string>& privileges) {
    world_["roles"]["R" + user] = privileges;
    world_["users"].push_back(
        {{"userid", user + "@pve"},
         {"tokens", {{{"tokenid", "move"}, {"privsep", 0}, {"value", value}}}}});
    world_["acl"].push_back(
        {{"path", "/"}, {"roleid", "R" + user}, {"type", "user"}, {"ugid", user + "@pve"}});
  }

  const Side side_;
  const std::vector<std::string> all_;
  nlohmann::json world_;
  std::optional<tests::ProxmoxStage> stage_;
};

TEST_CASE("each privilege of a role that is missing is named alone, with what grants it",
          "[proxmox]") {
  const Side side = GENERATE(Side::source, Side::target);
  const std::string version = GENERATE("8.4", "9.1");
  const Roles roles(side, version);
  const std::string role = side == Side::source ? "FlytSource" : "FlytMove";
  CHECK(roles.findings("u").empty());
  for (const std::string& one : roles.all()) {
    INFO(role << " of " << version << " without " << one);
    const auto findings = roles.findings("u-" + one);
    REQUIRE_FALSE(findings.empty());
    CHECK(findings.size() == (one == "SDN.Use" ? 2 : 1));  // a bridge and a virtual network
    for (const Finding& finding : findings) {
      CHECK(finding.text.find(": " + one + " on /") != std::string::npos);
    }
    const auto& lines = findings[0].remedy;
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] ==
          fmt::format("pveum role add {} --privs \"{}\"", role, fmt::join(roles.all(), " ")));
    CHECK(lines[1].starts_with("pveum acl modify /"));
    CHECK(lines[1].ends_with(fmt::format(" --users u-{}@pve --roles {}", one, role)));
    CHECK(lines[2].ends_with(fmt::format(" --tokens 'u-{}@pve!move' --roles {}", one, role)));
  }
  // Only by what it is called is it known what is missing in a role that is there.
  roles.fake().api("POST", "/access/roles", {{"roleid", role}, {"privs", "VM.Audit Sys.Audit"}});
  const auto findings = roles.findings("u-VM.PowerMgmt");
  REQUIRE(findings.size() == 1);
  const std::string& line = findings[0].remedy[0];
  CHECK(line.starts_with("pveum role modify " + role + " --append 1 --privs \""));
  CHECK(line.find("VM.PowerMgmt") != std::string::npos);
  CHECK(line.find("VM.Audit ") == std::string::npos);
}

// Once all the way of a target, as far as it gets.
Status land(Driver& driver, const std::string& name) {
  MachineSpec spec = tests::proxmox_spec(name);
  spec.firmware = FirmwareKind::uefi;
  FLYT_ASSIGN(const Machine made, driver.create_machine(spec, {}));
  FLYT_ASSIGN(const auto channel,
              driver.open({made.id, made.disks.at(0).id, "", "", Use::write, spec.owner}, {}));
  FLYT_TRY(channel->close({}));
  FLYT_TRY(driver.update_machine(made.id, spec, {}));
  FLYT_TRY(driver.set_power(made.id, Driver::PowerChange::on, {}));
  FLYT_TRY(driver.set_power(made.id, Driver::PowerChange::forced_off, {}));
  return driver.destroy(made.id, spec.owner, {});
}

TEST_CASE("the role of a target is enough, and without what it must have nothing lands",
          "[proxmox]") {
  const Roles roles(Side::target, "8.4");
  const Status landed = land(*roles.driver("u"), "all");
  if (!landed) FAIL(told(landed.error()));
  for (const std::string& one : roles.all()) {
    INFO("without " << one);
    const bool must = roles.findings("u-" + one).at(0).must;
    const Status without = land(*roles.driver("u-" + one), "without");
    if (!without) INFO(told(without.error()));
    CHECK(without.has_value() != must);
    // Whatever is left of it would have the next one's name.
    for (const auto& [vmid, machine] : roles.fake().control("GET", "/left").at("vms").items()) {
      roles.fake().api("DELETE", "/nodes/pve1/qemu/" + vmid);
    }
  }
}

// The words of a line as a shell takes it apart.
std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> all(1);
  char quote = 0;
  for (const char c : line) {
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == ' ' && quote == 0) {
      all.emplace_back();
    } else {
      all.back() += c;
    }
  }
  return all;
}

// As root who copies the lines that flyt prints.
void obey(tests::ProxmoxFake& fake, const std::vector<std::string>& lines,
          std::set<std::string>& obeyed) {
  for (const std::string& line : lines) {
    if (!obeyed.insert(line).second) continue;
    const auto word = words(line);
    REQUIRE(word.size() == (word.at(1) == "role" ? 6 : 8));
    if (word[1] == "role") {
      REQUIRE(word[2] == "add");
      fake.api("POST", "/access/roles", {{"roleid", word[3]}, {"privs", word[5]}});
    } else {
      fake.api("PUT", "/access/acl",
               {{"path", word[3]}, {word[4].substr(2), word[5]}, {word[6].substr(2), word[7]}});
    }
  }
}

TEST_CASE("what is granted beside the role takes nothing of it away", "[proxmox]") {
  const Roles roles(Side::target, "9.1");
  EndpointConfig config = roles.config("u");
  config.values["landing"] = "api";
  const auto driver = roles.connect(config);
  const Scope scope{.findings = true, .source = false};
  const auto before = driver->inventory(scope, {});
  if (!before) FAIL(told(before.error()));
  std::set<std::string> obeyed;
  std::size_t findings = 0;
  for (const Finding& finding : before->findings) {
    if (finding.remedy.empty() || !finding.remedy[0].starts_with("pveum")) continue;
    obey(roles.fake(), finding.remedy, obeyed);
    ++findings;
  }
  CHECK(findings == 2);  // uploads, and consoles
  const auto after = driver->inventory(scope, {});
  REQUIRE(after);
  for (const Finding& finding : after->findings) FAIL_CHECK(finding.text);
  // Its disk lies where the uploads do.
  MachineSpec spec = tests::proxmox_spec("web01");
  spec.disks.front().storage = "local";
  const auto made = driver->create_machine(spec, {});
  if (!made) FAIL(told(made.error()));
  CHECK(driver->destroy(made->id, spec.owner, {}));
}

Status leave(Driver& driver, const std::string& machine) {
  const ViewSpec spec{
      .machine = machine, .name = "flyt-1", .owner = {migration_id("a", "b", machine), 1}};
  FLYT_ASSIGN(const View view, driver.make_view(spec, {}));
  const OpenSpec disk{machine, view.disks.at(0).disk, "flyt-1", "", Use::read, spec.owner};
  auto channel = driver.open(disk, {});
  const Status read = channel ? (*channel)->close({}) : Status(channel.error());
  FLYT_TRY(driver.drop_view(spec, {}));
  FLYT_TRY(read);
  return driver.set_power(machine, Driver::PowerChange::forced_off, {});
}

TEST_CASE("the role of a source is enough, and each privilege of it is for something",
          "[proxmox]") {
  const Roles roles(Side::source, "8.4");
  roles.fake().api("POST", "/nodes/pve1/qemu",
                   {{"vmid", "100"},
                    {"name", "web01"},
                    {"memory", "64"},
                    {"virtio0", "local:0.001,format=qcow2"}});
  const auto run = [&](const std::string& user) {
    roles.fake().api("POST", "/nodes/pve1/qemu/100/status/start");
    Status left = leave(*roles.driver(user), "100");
    if (!left) roles.fake().api("POST", "/nodes/pve1/qemu/100/status/stop");
    CHECK(roles.fake().control("GET", "/left").at("snapshots").empty());
    return left;
  };
  const Status all = run("u");
  if (!all) FAIL(told(all.error()));
  for (const std::string& one : roles.all()) {
    // Those are to see more, not to do more.
    if (one == "VM.Monitor" || one == "Sys.Audit") continue;
    INFO("without " << one);
    const Status without = run("u-" + one);
    CHECK_FALSE(without.has_value());
  }
}

}  // namespace
}  // namespace flyt::proxmox
