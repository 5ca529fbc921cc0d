#include "verifiers/registry.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "tests/catch.hpp"

namespace {

using flyt::Confidence;
using flyt::Provenance;
using flyt::ProviderRegistry;

const ProviderRegistry& registry() { return ProviderRegistry::built_in(); }

const flyt::RegistryRegion* region(const std::string& provider, const std::string& id) {
  const auto* known = registry().provider(provider);
  return known == nullptr ? nullptr : ProviderRegistry::region(*known, id);
}

bool is_country(const std::string& code) {
  return code.size() == 2 &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_date(const std::string& text) {
  return ProviderRegistry::undecided({text, Confidence::verified, {}}, 12000, "2026-11-24").empty();
}

std::string age(const char* as_of, unsigned months, const char* today) {
  return ProviderRegistry::undecided({as_of, Confidence::secondary, {"X"}}, months, today);
}

}  // namespace

TEST_CASE("Every fact of the built-in registry has a country, a date and known sources",
          "[verifiers]") {
  const auto parsed = ProviderRegistry::parse(ProviderRegistry::built_in_text());
  INFO((parsed ? "" : parsed.error().seen));
  REQUIRE(parsed);
  REQUIRE(registry().providers().size() > 20);
  CHECK(has_date(registry().generated()));
  const auto sound = [](const Provenance& from) {
    CHECK(has_date(from.as_of));
    REQUIRE_FALSE(from.sources.empty());
    for (const std::string& id : from.sources) {
      INFO(id);
      CHECK(registry().source(id) != nullptr);
    }
  };
  std::set<std::string> ids;
  for (const auto& provider : registry().providers()) {
    INFO(provider.id);
    CHECK(ids.insert(provider.id).second);
    CHECK_FALSE(provider.name.empty());
    CHECK_FALSE(provider.entity.empty());
    REQUIRE_FALSE(provider.control.empty());
    for (const std::string& code : provider.control) CHECK(is_country(code));
    sound(provider.control_from);
    sound(provider.entity_from);
    sound(provider.owner_from);
    for (const auto& foothold : provider.footholds) {
      sound(foothold.from);
      for (const std::string& code : foothold.countries) CHECK(is_country(code));
    }
    std::set<std::string> regions;
    for (const auto& one : provider.regions) {
      INFO(one.id);
      CHECK(regions.insert(one.id).second);
      CHECK(is_country(one.country));
      sound(one.from);
      if (!one.parent_region.empty()) CHECK(region(provider.id, one.parent_region) != nullptr);
      if (one.site.empty()) continue;
      for (const auto& other : provider.regions) {
        if (other.site == one.site) CHECK(other.country == one.country);
      }
    }
  }
  for (const auto& source : registry().sources()) {
    INFO(source.id);
    CHECK(has_date(source.date));
    CHECK_FALSE(source.title.empty());
    CHECK((!source.address.empty() || source.no_address || source.memory));
  }
}

TEST_CASE("A region is found by id, alias and site, whatever its case", "[verifiers]") {
  REQUIRE(region("hetzner", "FSN1") != nullptr);
  CHECK(region("Hetzner", "fsn1")->country == "DE");
  REQUIRE(region("ovhcloud", "EU-WEST-ERI") != nullptr);  // alias and site of UK1
  CHECK(region("ovhcloud", "eu-west-eri")->country == "GB");
  REQUIRE(region("ovhcloud", "EU-WEST-GRA") != nullptr);  // site only
  CHECK(region("ovhcloud", "eu-west-gra")->country == "FR");
  REQUIRE(region("ovhcloud", "eu-south-mil-b") != nullptr);  // one of its zones
  CHECK(region("ovhcloud", "eu-south-mil-b")->country == "IT");
  CHECK(region("hetzner", "") == nullptr);
  CHECK(region("hetzner", "eu-west-1") == nullptr);
  CHECK(registry().provider("no such") == nullptr);
}

TEST_CASE("An id that exists at several providers means each one's own", "[verifiers]") {
  REQUIRE(region("aws", "eu-west-1") != nullptr);
  REQUIRE(region("alibaba", "eu-west-1") != nullptr);
  CHECK(region("aws", "eu-west-1")->country == "IE");
  CHECK(region("alibaba", "eu-west-1")->country == "GB");
}

TEST_CASE("EU and EEA are sets of countries", "[verifiers]") {
  struct Case {
    std::vector<std::string> allowed;
    const char* code;
    bool answer;
  };
  const std::vector<Case> cases = {
      {{"DK"}, "DK", true},  {{"dk"}, "DK", true},   {{"DK"}, "SE", false},
      {{"EU"}, "DK", true},  {{"EU"}, "NO", false},  {{"EEA"}, "NO", true},
      {{"EEA"}, "IS", true}, {{"EEA"}, "LI", true},  {{"EEA"}, "DE", true},
      {{"EU"}, "GB", false}, {{"EEA"}, "CH", false}, {{"EU", "CH"}, "CH", true},
      {{"EU"}, "EU", true},  {{"EEA"}, "EU", true},  {{"EU"}, "EEA", false},
      {{}, "DK", false},     {{"EU"}, "", false},    {{"Atlantis"}, "DK", false},
  };
  for (const Case& one : cases) {
    INFO(one.code);
    CHECK(registry().allows(one.allowed, one.code) == one.answer);
  }
}

TEST_CASE("A fact ages from the first day that its date can mean", "[verifiers]") {
  CHECK(age("2026", 12, "2026-11-24").empty());
  CHECK(age("2026", 12, "2027-01-01").empty());  // 12 months to the day
  CHECK_THAT(age("2026", 12, "2027-01-02"),
             Catch::Matchers::Contains("12 months old (as of 2026)"));
  CHECK(age("2025-11", 12, "2026-11-01").empty());
  CHECK_THAT(age("2025-11", 12, "2026-11-24"), Catch::Matchers::Contains("12 months old"));
  CHECK(age("2025-11-24", 12, "2026-11-24").empty());
  CHECK_FALSE(age("2025-11-23", 12, "2026-11-24").empty());
  CHECK(age("2025-01", 24, "2026-11-24").empty());
  CHECK_THAT(age("2023", 12, "2026-11-24"), Catch::Matchers::Contains("46 months old"));
  CHECK(age("2026-11", 12, "2026-11-01").empty());
  for (const char* future : {"2027-05", "2027", "2026-11-25", "2026-12"}) {
    CHECK_THAT(age(future, 12, "2026-11-24"), Catch::Matchers::Contains("dated in the future"));
  }
  for (const char* bad : {"", "last year", "2026-13", "2026-1", "2026-00-01"}) {
    CHECK_THAT(age(bad, 12, "2026-11-24"), Catch::Matchers::Contains("age is not known"));
  }
  CHECK_THAT(age("2026", 12, ""), Catch::Matchers::Contains("age is not known"));
  CHECK_THAT(ProviderRegistry::undecided({"2026", Confidence::unverified, {}}, 12, "2026-11-24"),
             Catch::Matchers::Contains("general knowledge"));
}

TEST_CASE("A registry that is broken is an error, never an exception", "[verifiers]") {
  const char* nameless =
      R"({"generated":"2026","eu27":[],"eea_non_eu":[],"sources":{},"providers":[{"id":"x"}]})";
  for (const char* text : {"", "[]", "{}", "nonsense", "{\"generated\": 1}", nameless}) {
    INFO(text);
    const auto result = ProviderRegistry::parse(text);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == flyt::Errc::invalid);
    CHECK_FALSE(result.error().seen.empty());
  }
}
