// Everything that works on a plan, opened and owned.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/attempt.hpp"
#include "cli/session.hpp"
#include "plans/executor.hpp"

namespace flyt::cli {

struct OwnedCrew {
  Site site;
  Plan plan;
  std::string file;  // of the plan, as given
  std::unique_ptr<Driver> source, target;
  std::unique_ptr<Mover> mover;
  std::unique_ptr<Converter> converter;
  std::unique_ptr<Verifier> verifier;
  std::unique_ptr<Journal> journal;
  Crew crew;  // points into this
};

// A plan of this site. Errc::invalid for one of another.
Attempt<Plan> read_plan_of(const Site& site, const std::string& file);

// The site's journal, made where there is none yet.
Attempt<std::unique_ptr<Journal>> open_journal_of(const Site& site);
bool has_journal(const Site& site);

// Errc::not_found: the site has no journal, and so nothing to look at.
Failure nothing_applied(const Site& site);

enum class Begun : std::uint8_t {
  before,  // nothing is made where nothing was applied: nothing_applied()
  now,     // state may be made
};

// `name`: a plan file, or a machine that the journal knows, by name or migration id, whose plan
// then holds it alone. Errc::invalid lists the ids when several have the name.
Attempt<std::unique_ptr<OwnedCrew>> open_crew(const Session& session, const std::string& name,
                                              Begun begun = Begun::before);

}  // namespace flyt::cli
