#include "cli/crew.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/durable_file.hpp"
#include "base/units.hpp"
#include "cli/endpoints.hpp"
#include "cli/views/human/style.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

Failure no_such_plan(const std::string& name, const std::vector<MachineRecord>& machines) {
  Error error{.code = Errc::not_found,
              .what = fmt::format("{:?} is neither a plan file nor a machine of the journal", name),
              .state = "nothing was done"};
  std::vector<std::string_view> known;
  known.reserve(machines.size());
  for (const auto& machine : machines) known.push_back(machine.name);
  if (const auto near = nearest(name, known); !near.empty()) {
    error.remedy.push_back(fmt::format("write {}", near));
  }
  error.remedy.emplace_back("flyt status");
  return failure(std::move(error), Origin::setup);
}

Failure which_machine(const std::string& name, const std::vector<const MachineRecord*>& all) {
  Error error{.code = Errc::invalid,
              .what = fmt::format("{} machines of the journal are called {:?}", all.size(), name),
              .state = "nothing was done"};
  for (const auto* one : all) {
    error.remedy.push_back(fmt::format("write {}    of plan {}", one->machine, one->plan));
  }
  return failure(std::move(error), Origin::setup);
}

// By name, or by migration id where names are not enough.
Attempt<MachineRecord> machine_called(const std::string& name,
                                      const std::vector<MachineRecord>& machines) {
  std::vector<const MachineRecord*> found;
  for (const auto& one : machines) {
    if (one.machine == name) return one;
    if (one.name == name) found.push_back(&one);
  }
  if (found.empty()) return no_such_plan(name, machines);
  if (found.size() > 1) return which_machine(name, found);
  return *found.front();
}

void keep_only(Plan& plan, const std::string& migration_id) {
  std::erase_if(plan.machines, [&](const auto& one) { return one.migration_id != migration_id; });
  for (auto& wave : plan.waves) {
    std::erase_if(wave.machines, [&](const auto& one) { return one != migration_id; });
  }
}

Attempt<Plan> plan_of_machine(const Site& site, const std::string& name) {
  std::vector<MachineRecord> machines;
  if (!has_journal(site)) return no_such_plan(name, machines);
  FLYT_ASSIGN(const auto journal, open_journal_of(site));
  FLYT_ASSIGN(machines, during(Origin::work, journal->machines()));
  FLYT_ASSIGN(const auto found, machine_called(name, machines));
  FLYT_ASSIGN(const auto text, during(Origin::work, journal->plan(found.plan)));
  if (!text) return no_such_plan(name, machines);
  FLYT_ASSIGN(auto plan, during(Origin::setup, parse_plan(*text)));
  keep_only(plan, found.machine);
  return plan;
}

Failure only_a_record(const Plan& plan, const EndpointConfig& endpoint, const std::string& name) {
  return failure(
      {.code = Errc::unsupported,
       .what = fmt::format("{}: what the plan moves from is a file, and no platform",
                           endpoint_context(plan.source)),
       .seen = fmt::format("its driver is {}", endpoint.driver),
       .why = "a file can be planned from; disks are opened on the platform itself",
       .state = "nothing was done",
       .remedy = {fmt::format("let [endpoints.{}] in the site file be that platform: its "
                              "driver, url, user and password, under the same name",
                              plan.source),
                  fmt::format("flyt apply {}", shown_word(name)),
                  "the plan of a saved inventory is applied as it is where nothing has "
                  "changed; that of an export is made anew: flyt plan"}},
      Origin::setup);
}

std::shared_ptr<RateLimit> rate_of(const EndpointConfig& endpoint) {
  if (endpoint.limits.rate == 0) return nullptr;
  return std::make_shared<RateLimit>(endpoint.limits.rate);
}

}  // namespace

Attempt<Plan> read_plan_of(const Site& site, const std::string& file) {
  FLYT_ASSIGN(auto plan, during(Origin::setup, read_plan(file)));
  if (plan.site_id == site.id) return plan;
  return failure({.code = Errc::invalid,
                  .what = fmt::format("{} is a plan of another site", file),
                  .seen = fmt::format("plan: {} {}; {}: {} {}", plan.site_name, plan.site_id,
                                      site.file.filename().string(), site.name, site.id),
                  .state = "nothing was done",
                  .remedy = {"use the site file it was made with: flyt --site FILE ..."}},
                 Origin::setup);
}

bool has_journal(const Site& site) {
  std::error_code error;
  return std::filesystem::exists(site.state / "journal.db", error);
}

Attempt<std::unique_ptr<Journal>> open_journal_of(const Site& site) {
  FLYT_TRY(during(Origin::work, make_private_folder(site.state)));
  return during(Origin::work, open_journal(site.state, site.id));
}

Failure nothing_applied(const Site& site) {
  return failure({.code = Errc::not_found,
                  .what = "nothing was applied yet",
                  .seen = fmt::format("there is no journal in {}", site.state.string()),
                  .state = "nothing was done",
                  .remedy = {"flyt plan", "flyt apply PLAN"}},
                 Origin::setup);
}

Attempt<std::unique_ptr<OwnedCrew>> open_crew(const Session& session, const std::string& name,
                                              Begun begun) {
  auto all = std::make_unique<OwnedCrew>();
  FLYT_ASSIGN(all->site, session.site());
  all->file = name;
  std::error_code error;
  if (std::filesystem::exists(name, error) || name.ends_with(".json")) {
    FLYT_ASSIGN(all->plan, read_plan_of(all->site, name));
  } else {
    FLYT_ASSIGN(all->plan, plan_of_machine(all->site, name));
  }
  FLYT_ASSIGN(const auto* const source, find_endpoint(all->site, all->plan.source));
  FLYT_ASSIGN(const auto* const target, find_endpoint(all->site, all->plan.target));
  if (begun == Begun::before && !has_journal(all->site)) return nothing_applied(all->site);
  // The journal last: what is missing for the endpoints must leave nothing behind.
  FLYT_ASSIGN(all->source, open_endpoint(*source, Access::work, session.call()));
  if (all->source->info().record) return only_a_record(all->plan, *source, name);
  FLYT_ASSIGN(all->target, open_endpoint(*target, Access::work, session.call()));
  FLYT_ASSIGN(all->journal, open_journal_of(all->site));
  all->mover = make_mover();
  all->converter = make_v2v_converter();
  all->verifier = make_verifier();
  all->crew = {.source = all->source.get(),
               .target = all->target.get(),
               .mover = all->mover.get(),
               .converter = all->converter.get(),
               .verifier = all->verifier.get(),
               .journal = all->journal.get(),
               .state = all->site.state,
               .source_rate = rate_of(*source),
               .target_rate = rate_of(*target),
               .now = utc_now};
  return all;
}

}  // namespace flyt::cli
