// Everything that works on a plan, opened and owned.
#pragma once

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

// The site's journal. Without `create`, nothing where the site has none yet.
Attempt<std::unique_ptr<Journal>> open_journal_of(const Site& site);
bool has_journal(const Site& site);

// `name`: a plan file, or a machine that the journal knows, whose plan then holds it alone.
Attempt<std::unique_ptr<OwnedCrew>> open_crew(const Session& session, const std::string& name);

}  // namespace flyt::cli
