#include "cli/target_ground.hpp"

#include "tests/catch.hpp"

using namespace flyt;
using flyt::cli::breaks_policy;
using flyt::cli::judge_target;

namespace {

struct Target {
  Site site;
  EndpointConfig endpoint;
  Inventory seen;

  Target() {
    site.policy.countries = {"DK", "DE"};
    site.policy.control = {"EU"};
    endpoint.name = "kvm";
    endpoint.ground =
        Ground{.country = "DK", .operator_name = "Us", .owner = "Us", .control = {"DK"}};
    seen.hosts.push_back({.id = "h1", .name = "kvm1"});
    seen.hosts.push_back({.id = "h2", .name = "kvm2"});
  }

  std::vector<Verdict> judged() const { return judge_target(site, endpoint, seen, "2026-11-24"); }
  Verdict place() const { return judged().at(0); }
};

}  // namespace

TEST_CASE("a platform that is silent leaves the site's statement as it is", "[cli]") {
  const Target target;
  CHECK(target.place().answer == Answer::pass);
  CHECK(target.place().basis == Basis::stated);
  CHECK_FALSE(breaks_policy(target.judged()));
}

TEST_CASE("a platform that says another place than the site breaks the policy", "[cli]") {
  Target target;
  target.seen.place.country = "US";
  CHECK(target.place().answer == Answer::fail);
  CHECK(breaks_policy(target.judged()));
  // Even where that place would be allowed: the statement is not true.
  target.seen.place.country = "DE";
  CHECK(breaks_policy(target.judged()));
}

TEST_CASE("one host elsewhere breaks the policy for all, and is named", "[cli]") {
  Target target;
  target.seen.hosts[0].place.country = "DK";
  CHECK_FALSE(breaks_policy(target.judged()));
  target.seen.hosts[1].place.country = "US";
  CHECK(target.place().answer == Answer::fail);
  CHECK(target.place().why.starts_with("host kvm2: "));
  CHECK(target.judged().size() == 3);
}
