#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "base/inventory_file.hpp"
#include "base/inventory_json.hpp"
#include "base/version.hpp"
#include "cli/commands/commands.hpp"
#include "cli/crew.hpp"
#include "cli/endpoints.hpp"
#include "cli/look_inside.hpp"
#include "cli/plan_file.hpp"
#include "cli/session.hpp"
#include "cli/target_ground.hpp"
#include "cli/today.hpp"
#include "movers/convert/windows_tools.hpp"
#include "planners/enrol.hpp"
#include "planners/planner.hpp"
#include "planners/select.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

constexpr std::array option_table{
    OptionInfo{"select", 0, "WORDS",
               "names, globs, tag=TAG or volume=GLOB, with commas (default: all machines)"},
    OptionInfo{"source", 0, "ENDPOINT", "where machines come from"},
    OptionInfo{"target", 0, "ENDPOINT", "where they go"},
    OptionInfo{"source-file", 0, "FILE", "a saved inventory of the source, instead of asking it"},
    OptionInfo{"deep", 0, "", "also looks into the disks of machines that are off; takes minutes"},
    OptionInfo{"output", 'o', "FILE", "the plan (default: plan.json)"},
    OptionInfo{"adopt", 0, "OLD", "a plan whose copied disks are taken over"},
    OptionInfo{"today", 0, "DATE", ""},
};

struct Options {
  std::optional<std::string> select, source, target, source_file, adopt;
  bool deep = false;
  std::string output, today;
};

Result<Options> options_of(const Arguments& arguments) {
  Options options{arguments.text("select"),
                  arguments.text("source"),
                  arguments.text("target"),
                  arguments.text("source-file"),
                  arguments.text("adopt"),
                  arguments.has("deep"),
                  arguments.text("output").value_or("plan.json"),
                  {}};
  FLYT_ASSIGN(options.today, today_of(arguments));
  // Nothing selected must never mean everything.
  if (options.select) FLYT_TRY(check_words(*options.select));
  if (options.deep && options.source_file) {
    return Error{.code = Errc::invalid,
                 .what = "--deep reads the disks of the source, and --source-file does not ask it",
                 .state = "nothing was done",
                 .remedy = {"leave one of them out"}};
  }
  return options;
}

Result<Inventory> read_saved(const std::string& file, const std::string& driver) {
  auto inventory = read_inventory_file(file);
  if (inventory && inventory->driver != driver) {
    inventory = Error{
        .code = Errc::invalid,
        .what = file + ": this is no inventory of the source",
        .seen = fmt::format("its driver is {:?}, the source's is {}", inventory->driver, driver),
        .state = {},
        .remedy = {"flyt inventory ENDPOINT -o FILE"}};
  }
  if (!inventory) inventory.error().state = "nothing was done";
  return inventory;
}

Attempt<Inventory> look_at_source(const Options& options, const EndpointConfig& endpoint,
                                  const Call& call) {
  if (!options.source_file) return read_inventory(endpoint, call);
  FLYT_ASSIGN(auto inventory,
              during(Origin::setup, read_saved(*options.source_file, endpoint.driver)));
  inventory.endpoint = endpoint.name;
  // Who plans from a file need not hold the source's secrets.
  if (const auto driver = open_endpoint(endpoint, Access::look, call)) {
    add_abilities((*driver)->info(), inventory);
  }
  return inventory;
}

// A target that breaks the policy is never planned for.
Status check_policy(const std::vector<Verdict>& ground, const std::string& target) {
  Error error{.code = Errc::denied,
              .what = fmt::format("the policy does not allow {}", target),
              .state = "nothing was done, no plan was written",
              .remedy = {"choose another target, or change [policy] or the endpoint's ground "
                         "where they are wrong"}};
  std::vector<std::string> reasons;
  for (const auto& verdict : ground) {
    if (verdict.answer != Answer::fail) continue;
    reasons.push_back(fmt::format("{}: {} ({})", to_string(verdict.question), verdict.why,
                                  to_string(verdict.basis)));
  }
  if (reasons.empty()) return ok();
  error.seen = fmt::format("{}", fmt::join(reasons, "\n"));
  return error;
}

// A blocker of the whole plan, or of a machine that was asked for by its name.
bool blocked(const Plan& plan, const Selection& select) {
  return std::any_of(plan.concerns.begin(), plan.concerns.end(), [&](const Concern& concern) {
    if (concern.severity != Severity::blocker) return false;
    const auto named = [&](const std::string& word) {
      return std::find(select.begin(), select.end(), word) != select.end();
    };
    return concern.machine.empty() || named(concern.machine) ||
           named(std::string(volume_word) + concern.machine);
  });
}

struct Planned {
  Plan plan;
  Selection select;
};

Attempt<Planned> plan_it(const Options& options, const Site& site, const Ends& ends,
                         Session& session) {
  const Call& call = session.call();
  const auto& target_config = site.endpoints.at(ends.target);
  const auto stated = judge_stated(site, target_config, options.today);
  if (auto allowed = check_policy(stated, ends.target); !allowed) {
    return Failure{std::move(allowed).error(), ExitStatus::policy};
  }
  std::optional<Plan> adopted;
  if (options.adopt) {
    FLYT_ASSIGN(adopted, read_plan_of(site, *options.adopt));
  }
  FLYT_ASSIGN(const auto source, look_at_source(options, site.endpoints.at(ends.source), call));
  FLYT_ASSIGN(const auto target,
              read_inventory(target_config, call, {.enrolments = enrolments_of(site)}));
  PlanInput input;
  input.site = &site;
  input.source = &source;
  input.target = &target;
  if (options.select) input.select = split_words(source, *options.select);
  if (options.deep) {
    FLYT_ASSIGN(const auto chosen, during(Origin::setup, select(source, input.select)));
    FLYT_ASSIGN(input.inside,
                look_inside(site.endpoints.at(ends.source), chosen, Telling::each, session));
  }
  input.ground = judge_target(site, target_config, target, options.today);
  input.flyt_version = version();
  input.inventory_digest =
      to_hex(sha256(inventory_text(source) + std::string(1, '\0') + inventory_text(target)));
  input.adopt = adopted ? &*adopted : nullptr;
  input.source_can_cut_over = source.can_cut_over;
  input.source_can_track = source.can_track;
  input.windows_lacks = missing(windows_tools());
  FLYT_ASSIGN(auto plan, during(Origin::setup, make_plan(input)));
  plan.digest = plan_digest(plan);
  return Planned{std::move(plan), std::move(input.select)};
}

Outcome run(const Arguments& arguments, Session& session) {
  FLYT_ASSIGN(const auto options, during(Origin::setup, options_of(arguments)));
  FLYT_ASSIGN(const auto site, session.site());
  FLYT_TRY(during(Origin::setup, check_plan_file(options.output, session.site_file())));
  FLYT_ASSIGN(const auto ends, choose_ends(site, options.source, options.target, session.call()));
  FLYT_ASSIGN(const auto planned, plan_it(options, site, ends, session));
  const Plan& plan = planned.plan;
  if (plan.machines.empty()) {
    session.view().plan_written(plan, "");
    return breaks_policy(plan.ground) ? ExitStatus::policy : ExitStatus::failed;
  }
  FLYT_TRY(during(Origin::work, write_plan(options.output, plan)));
  session.view().plan_written(plan, options.output);
  return blocked(plan, planned.select) ? ExitStatus::failed : ExitStatus::done;
}

}  // namespace

const CommandInfo plan_command{
    .name = "plan",
    .summary = "Reads both ends and writes a plan to review. Changes nothing.",
    .operands = {},
    .options = option_table,
    .example = "  flyt plan --select 'tag=pilot,web*' -o pilot.json",
    .run = run,
};

}  // namespace flyt::cli
