// What a target is asked to do with machines that have landed.
#include "planners/enrol.hpp"

#include "tests/catch.hpp"
#include "tests/unit/planners/example.hpp"

namespace flyt {
namespace {

using Names = std::vector<std::string>;
using tests::Example;

const PlannedMachine& machine_of(const Plan& plan, std::string_view name) {
  const auto found =
      std::find_if(plan.machines.begin(), plan.machines.end(),
                   [&](const PlannedMachine& one) { return one.source.name == name; });
  REQUIRE(found != plan.machines.end());
  return *found;
}

Example enrolling() {
  Example example;
  example.target.can = {flyt::Capability::enrol};
  AfterSettings& after = example.site.defaults.after;
  after.start_at_boot = true;
  after.ha_group = "north";
  after.backup_jobs = Names{"nightly"};
  after.replicate_to = "kvm2";
  after.replicate_schedule = "*/30";
  return example;
}

}  // namespace

TEST_CASE("Nothing is done with machines that the site does not ask for", "[planners]") {
  Example example;
  example.target.can = {flyt::Capability::enrol};
  for (const PlannedMachine& one : example.plan().machines) CHECK(one.after.empty());
  CHECK(enrolments_of(example.site).empty());
}

TEST_CASE("What a machine is enrolled in comes key by key, its own before the defaults",
          "[planners]") {
  Example example = enrolling();
  AfterSettings& own = example.site.machines["web01"].after;
  own.start_at_boot = false;
  own.ha = "none";
  own.backup_jobs = Names{};
  own.replicate_to = "";
  own.firewall = Names{"web"};
  const Plan plan = example.plan();
  Enrolment of_all;
  of_all.start_at_boot = true;
  of_all.ha = "started";  // a group alone asks for it
  of_all.ha_group = "north";
  of_all.backup_jobs = {"nightly"};
  of_all.replicate_to = "kvm2";
  of_all.replicate_schedule = "*/30";
  CHECK(machine_of(plan, "db01").after == of_all);
  Enrolment of_web;
  of_web.firewall = {"web"};
  CHECK(machine_of(plan, "web01").after == of_web);
  CHECK(enrolments_of(example.site) == std::vector{of_all, of_web});
}

TEST_CASE("A target that enrols nothing gets a plan without it, which says so", "[planners]") {
  Example example = enrolling();
  example.target.can = {};
  const Plan plan = example.plan();
  CHECK(machine_of(plan, "web01").after.empty());
  const Concern* concern = tests::find(plan, "T-AFTER");
  REQUIRE(concern != nullptr);
  CHECK(concern->text.find("HA group north") != std::string::npos);
  CHECK(concern->text.find("replicated to kvm2 at */30") != std::string::npos);
}

TEST_CASE("What the target is not known to have or to lack is no concern", "[planners]") {
  const Plan plan = enrolling().plan();
  CHECK(tests::find(plan, "T-AFTER-MISSING") == nullptr);
}

TEST_CASE("Disks are replicated only from where that is possible", "[planners]") {
  Example example = enrolling();
  const auto said = [&example] {
    const Plan plan = example.plan();
    const Concern* concern = tests::find(plan, "T-AFTER-MISSING");
    return concern == nullptr ? "" : concern->text;
  };
  example.target.choices.replicas = std::vector<ReplicaHost>{};
  CHECK(said() == "kvm has no host \"kvm2\" that is online to replicate to");
  example.target.choices.replicas = std::vector{ReplicaHost{"kvm2", {"other"}}};
  CHECK(said() == "disk 0 comes to the storage \"default\", which cannot be replicated to kvm2");
  example.target.choices.replicas = std::vector{ReplicaHost{"kvm2", {"other", "default"}}};
  CHECK(said().empty());
}

}  // namespace flyt
