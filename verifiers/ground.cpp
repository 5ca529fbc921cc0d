#include "verifiers/ground.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

namespace flyt {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + upper(word);
  return text;
}

// The question with what the site and the platform say of the provider put together.
class Judge {
 public:
  Judge(const GroundQuestion& question, const ProviderRegistry& registry)
      : question_(question),
        registry_(registry),
        stated_(question.stated.value_or(Ground())),
        seen_(question.seen.value_or(Place())),
        provider_(seen_.provider.empty() ? stated_.provider : seen_.provider) {
    if (!provider_.empty()) known_ = registry_.provider(provider_);
  }

  Verdict place();
  Verdict operator_();
  Verdict owner();

 private:
  struct Fact {
    std::string country;
    Basis basis = Basis::none;
    std::string open;     // why it decides nothing
    std::string no_pass;  // why it can contradict the policy but not satisfy it
  };

  Verdict begin(Question question) const;
  void fail(Verdict& verdict, std::string why) const;
  bool platform_contradicts_provider(Verdict& verdict) const;
  Fact country_of(std::string_view region, Verdict& verdict) const;
  std::optional<Fact> region_fact(Verdict& verdict) const;
  bool contradicted(const Fact& best, const Fact& other, Verdict& verdict) const;
  void judge_country(const Fact& fact, Verdict& verdict) const;
  void owner_of_provider(Verdict& verdict) const;
  void owner_as_stated(Verdict& verdict) const;
  std::vector<std::string> outside(const std::vector<std::string>& control) const;

  const GroundQuestion& question_;
  const ProviderRegistry& registry_;
  Ground stated_;
  Place seen_;
  std::string provider_;
  const RegistryProvider* known_ = nullptr;
};

Verdict Judge::begin(Question question) const { return {.question = question, .at = question_.at}; }

void Judge::fail(Verdict& verdict, std::string why) const {
  verdict.answer = Answer::fail;
  verdict.why = std::move(why);
}

// The platform names a provider that the site does not.
bool Judge::platform_contradicts_provider(Verdict& verdict) const {
  if (seen_.provider.empty() || !question_.stated) return false;
  if (upper(seen_.provider) == upper(stated_.provider)) return false;
  verdict.basis = Basis::platform;
  verdict.evidence.push_back(fmt::format("platform: provider {}", seen_.provider));
  const std::string stated = stated_.provider.empty() ? "ground of its own" : stated_.provider;
  fail(verdict,
       fmt::format("the site states {}, the platform says it is {}", stated, seen_.provider));
  return true;
}

Judge::Fact Judge::country_of(std::string_view region, Verdict& verdict) const {
  Fact fact{.basis = Basis::registry};
  if (known_ == nullptr) {
    fact.open = fmt::format("the registry does not know the provider \"{}\"", provider_);
    return fact;
  }
  const RegistryRegion* entry = ProviderRegistry::region(*known_, region);
  if (entry == nullptr) {
    fact.open =
        region.empty()
            ? fmt::format("nobody says in which region of {} it is", known_->name)
            : fmt::format("the registry knows no region \"{}\" of {}", region, known_->name);
    return fact;
  }
  fact.country = upper(entry->country);
  verdict.evidence.push_back(fmt::format(
      "registry: {} {} is in {}{}; {}", known_->id, entry->id, fact.country,
      entry->city.empty() ? "" : " (" + entry->city + ")", registry_.cite(entry->from)));
  fact.open = ProviderRegistry::undecided(entry->from, region_months, question_.today);
  if (!fact.open.empty()) return fact;
  fact.no_pass = registry_.unsupported(entry->from);
  if (known_->has_zones() && entry->parent_region.empty()) {
    fact.no_pass = fmt::format("{} has zones in other countries than their region: name the zone",
                               known_->name);
  }
  return fact;
}

void Judge::judge_country(const Fact& fact, Verdict& verdict) const {
  verdict.basis = fact.basis;
  verdict.value = fact.country;
  if (!fact.open.empty()) {
    verdict.why = fact.open;
    return;
  }
  if (question_.policy.countries.empty()) {
    verdict.why = "the policy names no countries";
    return;
  }
  const std::string allowed = joined(question_.policy.countries);
  if (!registry_.allows(question_.policy.countries, fact.country)) {
    fail(verdict, fmt::format("{} is not in the policy ({})", fact.country, allowed));
    return;
  }
  if (!fact.no_pass.empty()) {
    verdict.why = fact.no_pass;
    return;
  }
  verdict.answer = Answer::pass;
  verdict.why =
      fmt::format("{} is in the policy ({}), {}", fact.country, allowed, to_string(fact.basis));
}

// The registry's word on the region. The platform's own word for where it runs comes before the
// site's: it is a zone where there are zones. Nothing: the two contradict each other, which fails.
std::optional<Judge::Fact> Judge::region_fact(Verdict& verdict) const {
  if (seen_.region.empty()) return country_of(stated_.region, verdict);
  verdict.evidence.push_back(fmt::format("platform: region {}", seen_.region));
  Fact found = country_of(seen_.region, verdict);
  if (stated_.region.empty() || upper(seen_.region) == upper(stated_.region)) return found;
  const Fact promised = country_of(stated_.region, verdict);
  if (promised.country.empty() || found.country.empty() || promised.country == found.country) {
    return found;
  }
  if (!found.open.empty()) return found;
  if (!promised.open.empty()) {
    // Not known well enough to contradict, and no reason to look away.
    found.no_pass =
        fmt::format("the site states {} ({}), the platform says {} ({}), but {}", stated_.region,
                    promised.country, seen_.region, found.country, promised.open);
    return found;
  }
  verdict.basis = Basis::registry;
  verdict.value = found.country;
  fail(verdict, fmt::format("the site states {} ({}), the platform says {} ({})", stated_.region,
                            promised.country, seen_.region, found.country));
  return std::nullopt;
}

// What else is known must agree with what decides.
bool Judge::contradicted(const Fact& best, const Fact& other, Verdict& verdict) const {
  const auto says = [](const Fact& fact) { return !fact.country.empty() && fact.open.empty(); };
  if (!says(best) || !says(other) || best.country == other.country) return false;
  const auto who = [](Basis basis) {
    return basis == Basis::stated     ? "the site"
           : basis == Basis::registry ? "the registry"
                                      : "the platform";
  };
  verdict.basis = best.basis;
  verdict.value = best.country;
  fail(verdict, fmt::format("{} says {}, {} says {}", who(other.basis), other.country,
                            who(best.basis), best.country));
  return true;
}

Verdict Judge::place() {
  Verdict verdict = begin(Question::place);
  if (platform_contradicts_provider(verdict)) return verdict;
  Fact stated, registry, platform;
  if (!stated_.country.empty()) {
    stated = {upper(stated_.country), Basis::stated, {}, {}};
    verdict.evidence.push_back(fmt::format("site: country {}", stated.country));
  }
  if (!provider_.empty()) {
    auto fact = region_fact(verdict);
    if (!fact) return verdict;
    registry = *std::move(fact);
  }
  if (!seen_.country.empty()) {
    platform = {upper(seen_.country), Basis::platform, {}, {}};
    verdict.evidence.push_back(fmt::format("platform: country {}", platform.country));
  }
  if (!seen_.site.empty()) verdict.evidence.push_back(fmt::format("site: it is in {}", seen_.site));
  // The nearest to the machine decides.
  const Fact& best = !platform.country.empty() ? platform : !provider_.empty() ? registry : stated;
  if (contradicted(best, registry, verdict) || contradicted(best, stated, verdict)) return verdict;
  if (best.basis == Basis::none) {
    verdict.why = "neither the site nor the platform says where it stands";
    return verdict;
  }
  judge_country(best, verdict);
  return verdict;
}

Verdict Judge::operator_() {
  Verdict verdict = begin(Question::operator_);
  if (platform_contradicts_provider(verdict)) return verdict;
  if (!provider_.empty()) {
    verdict.value = known_ == nullptr ? provider_ : known_->name;
    if (known_ != nullptr) {
      verdict.basis = Basis::registry;
      verdict.evidence.push_back(fmt::format("registry: {} is run by {}; {}", known_->id,
                                             known_->entity, registry_.cite(known_->entity_from)));
    }
    verdict.why =
        "whose network and account it is has not been measured: addresses and their "
        "origin are not looked up yet";
    return verdict;
  }
  if (stated_.operator_name.empty()) {
    verdict.why = "the site does not state who operates the ground";
    return verdict;
  }
  verdict.basis = Basis::stated;
  verdict.value = stated_.operator_name;
  verdict.evidence.push_back(fmt::format("site: operator {}", stated_.operator_name));
  if (question_.policy.empty()) {
    verdict.why = "there is no policy";
    return verdict;
  }
  verdict.answer = Answer::pass;
  verdict.why = "as the site states";
  return verdict;
}

std::vector<std::string> Judge::outside(const std::vector<std::string>& control) const {
  std::vector<std::string> found;
  std::copy_if(
      control.begin(), control.end(), std::back_inserter(found),
      [&](const std::string& one) { return !registry_.allows(question_.policy.control, one); });
  return found;
}

void Judge::owner_of_provider(Verdict& verdict) const {
  if (known_ == nullptr) {
    verdict.value = provider_;
    verdict.why = fmt::format("the registry does not know the provider \"{}\"", provider_);
    return;
  }
  verdict.basis = Basis::registry;
  verdict.value = joined(known_->control);
  verdict.evidence.push_back(fmt::format("registry: {} is controlled from {}; {}", known_->id,
                                         verdict.value, registry_.cite(known_->control_from)));
  verdict.evidence.push_back(
      fmt::format("registry: owner: {}; {}", known_->owner, registry_.cite(known_->owner_from)));
  for (const Foothold& one : known_->footholds) {
    verdict.evidence.push_back(fmt::format("registry: also established: {} ({}); {}", one.text,
                                           joined(one.countries), registry_.cite(one.from)));
  }
  const std::string open =
      ProviderRegistry::undecided(known_->control_from, owner_months, question_.today);
  if (!open.empty() || known_->control.empty()) {
    verdict.why = open.empty() ? "the registry does not know who is in control" : open;
    return;
  }
  if (question_.policy.control.empty()) {
    verdict.why = "the policy does not say who may be in control";
    return;
  }
  const std::string allowed = joined(question_.policy.control);
  if (const auto bad = outside(known_->control); !bad.empty()) {
    fail(verdict, fmt::format("{} in control of {} is not in the policy ({})", joined(bad),
                              known_->name, allowed));
    return;
  }
  verdict.why = registry_.unsupported(known_->control_from);
  if (!verdict.why.empty()) return;
  verdict.answer = Answer::pass;
  verdict.why = fmt::format("all in control ({}) are in the policy ({})", verdict.value, allowed);
}

void Judge::owner_as_stated(Verdict& verdict) const {
  if (stated_.owner.empty() && stated_.control.empty()) {
    verdict.why = "the site does not state who owns the ground";
    return;
  }
  verdict.basis = Basis::stated;
  verdict.value = stated_.owner.empty() ? joined(stated_.control) : stated_.owner;
  verdict.evidence.push_back(fmt::format(
      "site: owner {}, control {}", stated_.owner.empty() ? "not stated" : stated_.owner,
      stated_.control.empty() ? "not stated" : joined(stated_.control)));
  if (stated_.control.empty()) {
    verdict.why = "the site states an owner, but no jurisdiction in control";
    return;
  }
  if (question_.policy.control.empty()) {
    verdict.why = "the policy does not say who may be in control";
    return;
  }
  const std::string allowed = joined(question_.policy.control);
  if (const auto bad = outside(stated_.control); !bad.empty()) {
    fail(verdict, fmt::format("{} in control is not in the policy ({})", joined(bad), allowed));
    return;
  }
  verdict.answer = Answer::pass;
  verdict.why = fmt::format("all in control ({}) are in the policy ({}), as the site states",
                            joined(stated_.control), allowed);
}

Verdict Judge::owner() {
  Verdict verdict = begin(Question::owner);
  if (platform_contradicts_provider(verdict)) return verdict;
  if (provider_.empty()) {
    owner_as_stated(verdict);
    return verdict;
  }
  owner_of_provider(verdict);
  // What the site itself states of a provider can only make things worse.
  if (verdict.answer != Answer::fail && !question_.policy.control.empty()) {
    if (const auto bad = outside(stated_.control); !bad.empty()) {
      verdict.basis = Basis::stated;
      fail(verdict, fmt::format("{} in control, as the site states, is not in the policy ({})",
                                joined(bad), joined(question_.policy.control)));
    }
  }
  return verdict;
}

}  // namespace

std::vector<Verdict> judge_ground(const GroundQuestion& question,
                                  const ProviderRegistry& registry) {
  Judge judge(question, registry);
  std::vector<Verdict> verdicts = {judge.place(), judge.operator_(), judge.owner()};
  for (Verdict& verdict : verdicts) {
    if (verdict.answer != Answer::pass || question.unseen.empty()) continue;
    verdict.why += fmt::format("; the platform was not asked: {}", question.unseen);
  }
  return verdicts;
}

}  // namespace flyt
