#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/inventory_json.hpp"
#include "base/version.hpp"
#include "cli/commands/commands.hpp"
#include "cli/endpoints.hpp"
#include "cli/session.hpp"
#include "planners/planner.hpp"
#include "plans/plan_document.hpp"
#include "verifiers/verifier.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint64_t largest_inventory = std::uint64_t{256} << 20;

constexpr std::array option_table{
    OptionInfo{"select", 0, "WORDS", "names, globs or tag=TAG, separated by commas (default: all)"},
    OptionInfo{"source", 0, "ENDPOINT", "where machines come from"},
    OptionInfo{"target", 0, "ENDPOINT", "where they go"},
    OptionInfo{"source-file", 0, "FILE", "a saved inventory of the source, instead of asking it"},
    OptionInfo{"output", 'o', "FILE", "the plan (default: plan.json)"},
    OptionInfo{"adopt", 0, "OLD", "a plan whose copied disks are taken over"},
    OptionInfo{"today", 0, "DATE", ""},
};

struct Options {
  Selection select;
  std::optional<std::string> source, target, source_file, adopt;
  std::string output, today;
};

Options options_of(const Arguments& arguments) {
  Options options{{},
                  arguments.text("source"),
                  arguments.text("target"),
                  arguments.text("source-file"),
                  arguments.text("adopt"),
                  arguments.text("output").value_or("plan.json"),
                  arguments.text("today").value_or(utc_today())};
  std::string word;
  for (const char letter : arguments.text("select").value_or("") + ',') {
    if (letter != ',') {
      word += letter;
    } else if (!word.empty()) {
      options.select.push_back(std::exchange(word, ""));
    }
  }
  return options;
}

Attempt<Inventory> source_inventory(const Options& options, const EndpointConfig& endpoint,
                                    const Call& call) {
  if (!options.source_file) return read_inventory(endpoint, call);
  FLYT_ASSIGN(const auto text,
              during(Origin::setup, read_file(*options.source_file, largest_inventory)));
  FLYT_ASSIGN(auto inventory,
              during(Origin::setup, within(*options.source_file, parse_inventory(text))));
  inventory.endpoint = endpoint.name;
  return inventory;
}

std::vector<Verdict> judge_target(const Site& site, const EndpointConfig& target,
                                  const std::string& today) {
  return make_verifier()->judge_ground(
      {.stated = target.ground, .seen = {}, .policy = site.policy, .today = today, .at = ""});
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
    return concern.machine.empty() ||
           std::find(select.begin(), select.end(), concern.machine) != select.end();
  });
}

Attempt<Plan> plan_it(const Options& options, const Site& site, const Ends& ends,
                      const Call& call) {
  const auto& target_config = site.endpoints.at(ends.target);
  const auto ground = judge_target(site, target_config, options.today);
  if (auto allowed = check_policy(ground, ends.target); !allowed) {
    return Failure{std::move(allowed).error(), ExitStatus::policy};
  }
  FLYT_ASSIGN(const auto source, source_inventory(options, site.endpoints.at(ends.source), call));
  FLYT_ASSIGN(const auto target, read_inventory(target_config, call));
  std::optional<Plan> adopted;
  if (options.adopt) {
    FLYT_ASSIGN(adopted, during(Origin::setup, read_plan(*options.adopt)));
  }
  PlanInput input;
  input.site = &site;
  input.source = &source;
  input.target = &target;
  input.select = options.select;
  input.ground = ground;
  input.flyt_version = version();
  input.inventory_digest =
      to_hex(sha256(inventory_text(source) + std::string(1, '\0') + inventory_text(target)));
  input.adopt = adopted ? &*adopted : nullptr;
  return during(Origin::setup, make_plan(input));
}

Outcome run(const Arguments& arguments, Session& session) {
  const Options options = options_of(arguments);
  FLYT_ASSIGN(const auto site, session.site());
  FLYT_ASSIGN(const auto ends, choose_ends(site, options.source, options.target, session.call()));
  FLYT_ASSIGN(auto plan, plan_it(options, site, ends, session.call()));
  plan.digest = plan_digest(plan);
  if (plan.machines.empty()) {
    session.view().plan_written(plan, "");
    return ExitStatus::failed;
  }
  FLYT_TRY(during(Origin::work, write_durably(options.output, plan_text(plan))));
  session.view().plan_written(plan, options.output);
  return blocked(plan, options.select) ? ExitStatus::failed : ExitStatus::done;
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
