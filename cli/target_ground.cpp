#include "cli/target_ground.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "verifiers/verifier.hpp"

namespace flyt::cli {
namespace {

std::vector<Verdict> judge(const Site& site, const EndpointConfig& target,
                           const std::optional<Place>& seen, const std::string& today) {
  return make_verifier()->judge_ground(
      {.stated = target.ground, .seen = seen, .policy = site.policy, .today = today, .at = ""});
}

bool says_nothing(const Place& place) {
  return place.provider.empty() && place.region.empty() && place.country.empty();
}

// What a host leaves open is as the platform says.
Place place_of(const Host& host, const Place& platform) {
  Place place = host.place;
  if (place.provider.empty()) place.provider = platform.provider;
  if (place.region.empty()) place.region = platform.region;
  if (place.country.empty()) place.country = platform.country;
  return place;
}

}  // namespace

std::vector<Verdict> judge_stated(const Site& site, const EndpointConfig& target,
                                  const std::string& today) {
  return judge(site, target, std::nullopt, today);
}

std::vector<Verdict> judge_target(const Site& site, const EndpointConfig& target,
                                  const Inventory& seen, const std::string& today) {
  std::vector<Verdict> ground = judge(site, target, seen.place, today);
  for (const Host& host : seen.hosts) {
    if (says_nothing(host.place)) continue;
    for (Verdict& one : judge(site, target, place_of(host, seen.place), today)) {
      if (one.answer != Answer::fail) continue;
      const auto of_all = std::find_if(ground.begin(), ground.end(), [&](const Verdict& verdict) {
        return verdict.question == one.question;
      });
      if (of_all == ground.end() || of_all->answer == Answer::fail) continue;
      one.why = fmt::format("host {}: {}", host.name, one.why);
      *of_all = std::move(one);
    }
  }
  return ground;
}

bool breaks_policy(const std::vector<Verdict>& ground) {
  return std::any_of(ground.begin(), ground.end(),
                     [](const Verdict& one) { return one.answer == Answer::fail; });
}

}  // namespace flyt::cli
