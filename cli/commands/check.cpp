#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <utility>

#include "base/process.hpp"
#include "cli/commands/commands.hpp"
#include "cli/deep_check.hpp"
#include "cli/endpoints.hpp"
#include "cli/session.hpp"
#include "cli/target_ground.hpp"
#include "cli/today.hpp"
#include "planners/enrol.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"ENDPOINT", "which (default: all)", false, true},
};
constexpr std::array option_table{
    OptionInfo{"deep", 0, "", "also reads the beginning of a disk in each way that disks are read"},
    OptionInfo{"today", 0, "DATE", ""},
};

struct Options {
  std::string today;
  bool deep = false;
};

struct Program {
  std::string_view name, package, what_for;
  bool must;
};
constexpr std::array programs{
    Program{"qemu-nbd", "qemu-utils", "serving disk images", true},
    Program{"nbdkit", "nbdkit", "serving files and streams", true},
    Program{"virt-v2v-in-place", "virt-v2v", "converting guests; not needed with convert = none",
            false},
    Program{"guestfish", "libguestfs-tools", "looking into machines: flyt assess --deep", false},
};

// Whether the state folder can be made or is there, ours and private.
std::optional<Finding> look_at_state(const std::filesystem::path& state) {
  std::error_code error;
  auto existing = state;
  while (!std::filesystem::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (access(existing.c_str(), W_OK | X_OK) != 0) {
    return Finding{fmt::format("the state folder {} cannot be written", state.string()),
                   {fmt::format("sudo install -d -m 0700 -o $USER {}", state.string()),
                    "or say another: [site] state = \"FOLDER\""}};
  }
  if (existing != state) return std::nullopt;
  const auto mode = std::filesystem::status(state, error).permissions();
  using std::filesystem::perms;
  if ((mode & (perms::group_all | perms::others_all)) == perms::none) return std::nullopt;
  return Finding{fmt::format("others may read the state folder {}", state.string()),
                 {fmt::format("chmod 0700 {}", state.string())}};
}

void look_at_programs(std::vector<Finding>& findings) {
  for (const auto& program : programs) {
    if (find_program(program.name)) continue;
    findings.push_back({fmt::format("{} is not installed ({})", program.name, program.what_for),
                        {fmt::format("sudo apt install {}", program.package)},
                        program.must});
  }
}

void judge_ground(const Site& site, const EndpointConfig& endpoint, const std::string& today,
                  EndpointCheck& check) {
  check.ground = judge_target(site, endpoint, *check.inventory, today);
  if (!endpoint.ground) {
    check.findings.push_back(
        {"the site does not say on whose ground it stands: place, operator and owner stay "
         "UNVERIFIED",
         {fmt::format("add to [endpoints.{}]:", endpoint.name),
          "ground = { country = \"..\", operator = \"..\", owner = \"..\", control = [\"..\"] }"},
         false});
  }
  for (const auto& verdict : check.ground) {
    if (verdict.answer != Answer::fail) continue;
    check.findings.push_back(
        {fmt::format("the policy does not allow it as a target: {}", verdict.why), {}});
  }
}

// As what [move] has it; what that does not name may become both.
Scope scope_of(const Site& site, const std::string& name) {
  const bool named = site.from == name || site.to == name;
  const bool target = !named || site.to == name;
  return {.findings = true,
          .source = !named || site.from == name,
          .target = target,
          .enrolments = target ? enrolments_of(site) : std::vector<Enrolment>()};
}

EndpointCheck look_at(const Site& site, const EndpointConfig& endpoint, const Options& options,
                      const Call& call, ExitStatus& status) {
  EndpointCheck check{.endpoint = endpoint.name, .driver = endpoint.driver};
  auto driver = open_endpoint(endpoint, Access::work, call);
  // Only targets have to answer for their ground.
  const bool target = driver && (*driver)->info().can.has(Capability::create) &&
                      (site.to.empty() || site.to == endpoint.name || endpoint.ground);
  auto looked =
      driver ? read_inventory(endpoint, call, scope_of(site, endpoint.name)) : driver.error();
  if (!looked) {
    status = worse(status, looked.error().status);
    check.error = std::move(looked).error().error;
    return check;
  }
  check.inventory = *std::move(looked);
  if (options.deep && (*driver)->info().can.has(Capability::read)) {
    try_reading(**driver, *check.inventory, call);
  }
  check.findings = std::exchange(check.inventory->findings, {});
  for (const auto& machine : check.inventory->machines) {
    if (machine.unreadable.empty()) continue;
    check.findings.push_back(
        {fmt::format("{} cannot be read: {}", machine.name, machine.unreadable), {}, false});
  }
  if (target) judge_ground(site, endpoint, options.today, check);
  return check;
}

ExitStatus judge(const CheckReport& report, ExitStatus status) {
  const auto fold = [&](const std::vector<Finding>& findings) {
    for (const auto& one : findings) {
      if (one.must) status = worse(status, ExitStatus::failed);
    }
  };
  fold(report.findings);
  for (const auto& endpoint : report.endpoints) {
    fold(endpoint.findings);
    for (const auto& verdict : endpoint.ground) {
      if (verdict.answer == Answer::fail) status = worse(status, ExitStatus::policy);
    }
  }
  return status;
}

Outcome run(const Arguments& arguments, Session& session) {
  Options options{{}, arguments.has("deep")};
  FLYT_ASSIGN(options.today, during(Origin::setup, today_of(arguments)));
  FLYT_ASSIGN(const auto site, session.site());
  CheckReport report{site.name, site.id, site.file.string(), site.state.string(), {}, {}};
  std::vector<std::string> names = arguments.operands();
  for (const auto& name : names) FLYT_TRY(find_endpoint(site, name));
  if (names.empty()) {
    for (const auto& entry : site.endpoints) names.push_back(entry.first);
  }
  ExitStatus status = ExitStatus::done;
  for (const auto& name : names) {
    report.endpoints.push_back(
        look_at(site, site.endpoints.at(name), options, session.call(), status));
    // What came after a stop is no finding.
    FLYT_TRY(during(Origin::work, proceed(session.call(), "looking at endpoints")));
  }
  if (auto finding = look_at_state(site.state)) report.findings.push_back(*std::move(finding));
  look_at_programs(report.findings);
  session.view().check(report);
  return judge(report, status);
}

}  // namespace

const CommandInfo check_command{
    .name = "check",
    .summary = "Asks every endpoint, and this machine, whether all is well; says what to fix.",
    .operands = operand_table,
    .options = option_table,
    .example = "  flyt check\n  flyt check vcenter --deep",
    .run = run,
};

}  // namespace flyt::cli
