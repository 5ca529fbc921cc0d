// From inventories and a site to a plan. Pure: no input, no output, no clock.
#pragma once

#include <string>
#include <vector>

#include "base/concern_kind.hpp"
#include "base/inside.hpp"
#include "base/inventory.hpp"
#include "base/result.hpp"
#include "base/site.hpp"
#include "base/verdict.hpp"
#include "plans/plan.hpp"

namespace flyt {

// Names, globs ("web*") or "tag=pilot"; a machine is selected when one of them matches. Empty: all
// that are not templates and that flyt did not make. "volume=NAME", "volume=*.iso": volumes that
// belong to no machine.
using Selection = std::vector<std::string>;

struct PlanInput {
  const Site* site = nullptr;
  const Inventory* source = nullptr;
  const Inventory* target = nullptr;
  Selection select;
  std::vector<Verdict> ground;  // of the target endpoint, judged by verifiers
  std::string flyt_version;
  std::string inventory_digest;
  const Plan* adopt = nullptr;  // machines seeded under it are taken over
  // Capability::view and Capability::power of the source: a machine that runs can be copied, shut
  // down, and synced once more.
  bool source_can_cut_over = false;
  bool source_can_track = false;
  std::vector<Error> windows_lacks;  // what converting Windows needs and is not at hand, one each
  InsideById inside;                 // of the machines that were looked into
};

// Everything a machine, the site or the target's capacity speaks against, as concerns in the plan.
// Errc::invalid when a selection matches nothing (nearest name in the remedy).
Result<Plan> make_plan(const PlanInput& input);

// What is known of a source and of us beside the inventory.
struct Circumstances {
  std::string endpoint;               // the source's name in the site
  bool can_cut_over = false;          // as PlanInput::source_can_cut_over
  std::vector<Error> windows_lacks;   // as PlanInput
  const Inventory* target = nullptr;  // null: none is chosen yet
};
// The concerns of one machine for any target: `flyt assess`. A plan raises the same, and more.
// `inside`: null where nobody has looked into it.
std::vector<Concern> assess(const Site& site, const Circumstances& known, const Machine& machine,
                            const Inside* inside = nullptr);
// What a code means and what can be done, as `flyt assess --explain` prints it.
std::string explain(const ConcernKind& kind);

}  // namespace flyt
