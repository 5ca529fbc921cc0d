#include "verifiers/ground.hpp"

#include <optional>
#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace {

using Catch::Matchers::Contains;
using flyt::Answer;
using flyt::Basis;
using flyt::Ground;
using flyt::GroundQuestion;
using flyt::Place;
using flyt::Policy;
using flyt::Question;
using flyt::Verdict;

const Policy european{{"EU"}, {"EU", "EEA"}};

Ground own() {
  return {.country = "DK",
          .operator_name = "Guldborgsund Kommune",
          .owner = "Guldborgsund Kommune",
          .control = {"DK"}};
}

Ground at(const std::string& provider, const std::string& region) {
  return {.provider = provider, .region = region};
}

std::vector<Verdict> judge(std::optional<Ground> stated, std::optional<Place> seen,
                           const Policy& policy = european,
                           const std::string& today = "2026-11-24") {
  const GroundQuestion question{std::move(stated), std::move(seen), policy, today, "", ""};
  auto verdicts = flyt::judge_ground(question, flyt::ProviderRegistry::built_in());
  REQUIRE(verdicts.size() == 3);
  CHECK(verdicts[0].question == Question::place);
  CHECK(verdicts[1].question == Question::operator_);
  CHECK(verdicts[2].question == Question::owner);
  for (const Verdict& one : verdicts) {
    CHECK_FALSE(one.why.empty());
    CHECK_THAT(one.why, !Contains("\n"));
  }
  return verdicts;
}

}  // namespace

TEST_CASE("The site's own statement passes, as stated", "[verifiers]") {
  const auto verdicts = judge(own(), Place{});
  CHECK(verdicts[0].answer == Answer::pass);
  CHECK(verdicts[0].value == "DK");
  CHECK(verdicts[1].answer == Answer::pass);
  CHECK(verdicts[1].value == "Guldborgsund Kommune");
  CHECK(verdicts[2].answer == Answer::pass);
  for (const auto& one : verdicts) {
    CHECK(one.basis == Basis::stated);
    CHECK(one.evidence.size() == 1);
  }
  const auto before = judge(own(), std::nullopt);
  CHECK(before[0].answer == Answer::pass);
}

TEST_CASE("The site's own statement can break the policy", "[verifiers]") {
  Ground ground = own();
  ground.country = "ch";
  ground.control = {"DK", "US"};
  const auto verdicts = judge(ground, std::nullopt);
  CHECK(verdicts[0].answer == Answer::fail);
  CHECK(verdicts[0].value == "CH");
  CHECK(verdicts[0].why == "CH is not in the policy (EU)");
  CHECK(verdicts[1].answer == Answer::pass);
  CHECK(verdicts[2].answer == Answer::fail);
  CHECK_THAT(verdicts[2].why, Contains("US in control"));
}

TEST_CASE("What the platform says contradicts the site", "[verifiers]") {
  Place seen;
  seen.country = "SE";
  const auto moved = judge(own(), seen);
  CHECK(moved[0].answer == Answer::fail);
  CHECK(moved[0].basis == Basis::platform);
  CHECK(moved[0].why == "the site says DK, the platform says SE");
  CHECK(moved[1].answer == Answer::pass);

  seen.country = "DK";
  const auto same = judge(own(), seen);
  CHECK(same[0].answer == Answer::pass);
  CHECK(same[0].basis == Basis::platform);

  Place rented;
  rented.provider = "aws";
  rented.region = "eu-north-1";
  for (const auto& one : judge(own(), rented)) {
    CHECK(one.answer == Answer::fail);
    CHECK_THAT(one.why, Contains("the platform says it is aws"));
  }
  for (const auto& one : judge(at("hetzner", "fsn1"), rented)) CHECK(one.answer == Answer::fail);
}

TEST_CASE("Without ground or without policy everything is unverified", "[verifiers]") {
  for (const auto& one : judge(std::nullopt, std::nullopt)) {
    CHECK(one.answer == Answer::unverified);
    CHECK(one.basis == Basis::none);
  }
  for (const auto& one : judge(Ground{}, Place{})) CHECK(one.answer == Answer::unverified);
  for (const auto& one : judge(own(), Place{}, Policy{})) CHECK(one.answer == Answer::unverified);
  CHECK(judge(own(), Place{}, Policy{})[0].value == "DK");
  const auto places_only = judge(own(), Place{}, Policy{{"DK"}, {}});
  CHECK(places_only[0].answer == Answer::pass);
  CHECK(places_only[2].answer == Answer::unverified);
  Ground owner_only = own();
  owner_only.control.clear();
  CHECK(judge(owner_only, Place{})[2].answer == Answer::unverified);
  CHECK(judge(own(), Place{}, Policy{{"", "Narnia"}, {"?"}})[0].answer == Answer::fail);
}

TEST_CASE("A provider's ground is judged from the registry", "[verifiers]") {
  struct Case {
    const char *provider, *region;
    Answer place;
    const char* country;
    Answer owner;
    const char* owner_why;
  };
  const std::vector<Case> cases = {
      {"hetzner", "fsn1", Answer::pass, "DE", Answer::pass, "all in control (DE)"},
      {"hetzner", "ash", Answer::fail, "US", Answer::pass, "all in control"},
      {"ovhcloud", "eu-west-eri", Answer::fail, "GB", Answer::pass, "all in control (FR)"},
      {"ovhcloud", "EU-WEST-LZ-ZRH", Answer::fail, "CH", Answer::pass, "all in control (FR)"},
      {"exoscale", "at-vie-1", Answer::pass, "AT", Answer::fail, "MX, CH in control"},
      {"exoscale", "ch-dk-2", Answer::fail, "CH", Answer::fail, "MX, CH in control"},
      {"cleura", "Kna1", Answer::pass, "SE", Answer::fail, "GB in control"},
      {"aws-eusc", "eusc-de-east-1", Answer::pass, "DE", Answer::fail, "US in control"},
      {"alibaba", "eu-west-1", Answer::fail, "GB", Answer::fail, "CN in control"},
      {"no-such", "x", Answer::unverified, "", Answer::unverified, "does not know the provider"},
      {"hetzner", "eu-west-1", Answer::unverified, "", Answer::pass, "all in control"},
  };
  for (const Case& one : cases) {
    INFO(one.provider << " " << one.region);
    const auto verdicts = judge(at(one.provider, one.region), std::nullopt);
    CHECK(verdicts[0].answer == one.place);
    CHECK(verdicts[0].value == one.country);
    CHECK(verdicts[1].answer == Answer::unverified);
    CHECK_THAT(verdicts[1].why, Contains("has not been measured"));
    CHECK(verdicts[2].answer == one.owner);
    CHECK_THAT(verdicts[2].why, Contains(one.owner_why));
  }
  const auto evidence = judge(at("hetzner", "fsn1"), std::nullopt)[0].evidence;
  REQUIRE(evidence.size() == 1);
  CHECK_THAT(evidence[0], Contains("as of 2026-07-24, verified; sources: SpareCores"));
  CHECK_THAT(evidence[0], Contains("(2026-07-24)"));
}

TEST_CASE("The zone beats the region", "[verifiers]") {
  const auto region = judge(at("aws", "eu-central-1"), std::nullopt);
  CHECK(region[0].answer == Answer::unverified);
  CHECK_THAT(region[0].why, Contains("name the zone"));
  CHECK(judge(at("aws", "eu-central-1-ist-1a"), std::nullopt)[0].answer == Answer::fail);

  Place istanbul;
  istanbul.provider = "aws";
  istanbul.region = "eu-central-1-ist-1a";
  const auto landed = judge(at("aws", "eu-central-1"), istanbul);
  CHECK(landed[0].answer == Answer::fail);
  CHECK_THAT(landed[0].why, Contains("the platform says eu-central-1-ist-1a (TR)"));
}

TEST_CASE("The platform's own region is judged from the registry", "[verifiers]") {
  Place seen;
  seen.provider = "hetzner";
  seen.region = "hel1";
  const auto unstated = judge(std::nullopt, seen);
  CHECK(unstated[0].answer == Answer::pass);
  CHECK(unstated[0].value == "FI");
  CHECK(unstated[0].basis == Basis::registry);
  CHECK(unstated[2].answer == Answer::pass);

  CHECK(judge(at("hetzner", "fsn1"), seen)[0].answer == Answer::fail);  // DE stated, FI seen
  CHECK(judge(at("hetzner", "hel1"), seen)[0].answer == Answer::pass);

  seen.country = "DE";  // and the registry says FI
  CHECK(judge(at("hetzner", "hel1"), seen)[0].answer == Answer::fail);
  Ground wrong = at("hetzner", "hel1");
  wrong.country = "DK";
  CHECK(judge(wrong, std::nullopt)[0].why == "the site says DK, the registry says FI");
}

TEST_CASE("Regions that are known from too long ago contradict nothing", "[verifiers]") {
  Place seen;
  seen.provider = "hetzner";
  seen.region = "hel1";
  const auto old = judge(at("hetzner", "fsn1"), seen, european, "2036-11-24")[0];
  CHECK(old.answer == Answer::unverified);
  CHECK_THAT(old.why, Contains("months old"));
  const auto early = judge(at("hetzner", "fsn1"), seen, european, "2001-01-01")[0];
  CHECK(early.answer == Answer::unverified);
  CHECK_THAT(early.why, Contains("is the clock right?"));
}

TEST_CASE("A fresh region passes nothing where the stated one is too old to compare",
          "[verifiers]") {
  const auto registry = flyt::ProviderRegistry::parse(R"({
    "generated": "2026", "eu27": ["DE", "FI"], "eea_non_eu": [],
    "sources": {"S": {"t": "List", "u": "https://example.net", "d": "2026", "k": "web"}},
    "providers": [{"id": "p", "name": "P",
      "legal_entity": {"v": "P", "as_of": "2026", "conf": "verified", "src": ["S"]},
      "ultimate_owner": {"v": "P", "as_of": "2026", "conf": "verified", "src": ["S"]},
      "control_jurisdictions": {"v": ["DE"], "as_of": "2026", "conf": "verified", "src": ["S"]},
      "regions": [
        {"id": "old", "country": "DE", "as_of": "2020", "conf": "verified", "src": ["S"]},
        {"id": "new", "country": "FI", "as_of": "2026", "conf": "verified", "src": ["S"]}]}]})");
  REQUIRE(registry);
  Place seen;
  seen.provider = "p";
  seen.region = "new";
  GroundQuestion question{at("p", "old"), seen, european, "2026-11-24", "", ""};
  const Verdict mixed = flyt::judge_ground(question, *registry)[0];
  CHECK(mixed.answer == Answer::unverified);
  CHECK_THAT(mixed.why, Contains("the site states old (DE), the platform says new (FI)"));
  question.policy.countries = {"DE"};  // what is fresh still contradicts the policy
  CHECK(flyt::judge_ground(question, *registry)[0].answer == Answer::fail);
}

TEST_CASE("A pass says so where the platform could not be asked", "[verifiers]") {
  GroundQuestion question{own(),        std::nullopt,           european,
                          "2026-11-24", "2026-11-24T10:00:00Z", "connection refused"};
  for (const Verdict& one : flyt::judge_ground(question, flyt::ProviderRegistry::built_in())) {
    CHECK(one.answer == Answer::pass);
    CHECK(one.basis == Basis::stated);
    CHECK_THAT(one.why, Contains("; the platform was not asked: connection refused"));
  }
  question.policy.countries = {"NO"};
  CHECK(flyt::judge_ground(question, flyt::ProviderRegistry::built_in())[0].answer == Answer::fail);
}

TEST_CASE("Facts that are old, unverified or poorly sourced decide no pass", "[verifiers]") {
  // A year later the ownership of Hetzner is too old, the region is not.
  const auto later = judge(at("hetzner", "fsn1"), std::nullopt, european, "2027-11-24");
  CHECK(later[0].answer == Answer::pass);
  CHECK(later[2].answer == Answer::unverified);
  CHECK_THAT(later[2].why, Contains("22 months old (as of 2026), more than 12"));
  CHECK(judge(at("hetzner", "fsn1"), std::nullopt, european, "2029-01-01")[0].answer ==
        Answer::unverified);
  // Too old to contradict, too.
  CHECK(judge(at("kmd", ""), std::nullopt)[2].answer == Answer::unverified);
  CHECK(judge(at("hetzner", "ash"), std::nullopt, european, "2029-01-01")[0].answer ==
        Answer::unverified);

  CHECK_THAT(judge(at("evroc", "se-sto"), std::nullopt)[2].why, Contains("general knowledge"));
  // Sources whose address is not known support no PASS, but do not hide a contradiction.
  CHECK_THAT(judge(at("stackit", "eu01"), std::nullopt)[2].why, Contains("public address"));
  CHECK(judge(at("oci", "eu-frankfurt-1"), std::nullopt)[2].answer == Answer::fail);
  for (const auto& one : judge(at("hetzner", "fsn1"), std::nullopt, european, "today")) {
    CHECK(one.answer == Answer::unverified);
  }
}

TEST_CASE("What the site states of a provider can only make things worse", "[verifiers]") {
  Ground ground = at("hetzner", "fsn1");
  ground.control = {"US"};
  CHECK(judge(ground, std::nullopt)[2].answer == Answer::fail);
  ground = at("evroc", "se-sto");
  ground.control = {"SE"};
  CHECK(judge(ground, std::nullopt)[2].answer == Answer::unverified);
}

TEST_CASE("The verifier judges with the built-in registry", "[verifiers]") {
  const GroundQuestion question{own(), Place{}, european, "2026-11-24", "2026-11-24T01:00:00Z"};
  const auto verdicts = flyt::make_verifier()->judge_ground(question);
  REQUIRE(verdicts.size() == 3);
  CHECK(verdicts[0].at == "2026-11-24T01:00:00Z");
}
