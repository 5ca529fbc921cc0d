// The provider registry: dated, sourced facts about who runs which region and who controls whom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt {

struct RegistrySource {
  std::string id, title, address;
  std::string date;         // YYYY, YYYY-MM or YYYY-MM-DD
  bool undated = false;     // `date` is when it was read
  bool no_address = false;  // its public address is not known
  bool memory = false;      // general knowledge
};

enum class Confidence : std::uint8_t { unverified, secondary, partial, verified };

// Where a fact comes from.
struct Provenance {
  std::string as_of;  // YYYY, YYYY-MM or YYYY-MM-DD
  Confidence confidence = Confidence::unverified;
  std::vector<std::string> sources;  // RegistrySource::id
};

struct RegistryRegion {
  std::string id;
  std::vector<std::string> aliases;
  std::string site, city;
  std::string country;        // ISO 3166-1 alpha-2
  std::string parent_region;  // set: this is a zone, which may be in another country than that
  Provenance from;
};

struct Foothold {
  std::string text;
  std::vector<std::string> countries;  // ISO codes
  Provenance from;
};

struct RegistryProvider {
  std::string id, name;
  std::string entity, owner;         // for people
  std::vector<std::string> control;  // ISO codes of every jurisdiction that reaches the controller
  Provenance entity_from, owner_from, control_from;
  std::vector<RegistryRegion> regions;
  std::vector<Foothold> footholds;  // lesser establishments outside the EU
  bool has_zones() const;           // some entry is a zone: a region alone does not tell the place
};

class ProviderRegistry {
 public:
  // Errc::invalid names what is wrong with the document. Never throws.
  static Result<ProviderRegistry> parse(std::string_view json);
  // The registry that flyt was built with; empty only if it were broken, which a test excludes.
  static const ProviderRegistry& built_in();
  static std::string_view built_in_text();

  const RegistryProvider* provider(std::string_view id) const;  // nullptr: none such
  const RegistrySource* source(std::string_view id) const;
  // By id, then aliases, then site; case does not matter.
  static const RegistryRegion* region(const RegistryProvider& provider, std::string_view id);

  // Whether `jurisdiction` is one of `allowed`: ISO codes, "EU", "EEA". Case does not matter.
  bool allows(const std::vector<std::string>& allowed, std::string_view jurisdiction) const;

  // Why a fact may not decide anything on the day `today` (YYYY-MM-DD): its age, a date in the
  // future or its confidence. Empty: it may.
  static std::string undecided(const Provenance& from, unsigned months, std::string_view today);
  // Why a fact may contradict a policy, but not support a PASS by itself. Empty: it may.
  std::string unsupported(const Provenance& from) const;
  // "as of 2026-07-24, secondary; sources: TITLE (2026-07-24); ..."
  std::string cite(const Provenance& from) const;

  const std::string& generated() const { return generated_; }
  const std::vector<RegistryProvider>& providers() const { return providers_; }
  const std::vector<RegistrySource>& sources() const { return sources_; }

 private:
  std::string generated_;
  std::vector<std::string> eu_, eea_non_eu_;
  std::vector<RegistrySource> sources_;
  std::vector<RegistryProvider> providers_;
  friend class RegistryReader;
};

std::string_view to_string(Confidence confidence) noexcept;

}  // namespace flyt
