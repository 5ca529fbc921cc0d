// What commands have to say, apart from how it looks. Two looks: for people and as JSON.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/concern.hpp"
#include "base/inventory.hpp"
#include "base/site.hpp"
#include "base/verdict.hpp"
#include "cli/attempt.hpp"
#include "drivers/driver.hpp"
#include "plans/executor.hpp"
#include "plans/plan.hpp"

namespace flyt::cli {

struct EndpointCheck {
  std::string endpoint, driver;
  std::optional<Inventory> inventory;  // nothing: `error` says why
  std::optional<Error> error;
  std::vector<Verdict> ground;
  std::vector<Finding> findings;
};

struct CheckReport {
  std::string site_name, site_id, file, state;
  std::vector<EndpointCheck> endpoints;
  std::vector<Finding> findings;  // of this machine: state folder, programs
};

// One machine of `flyt assess`.
struct AssessedMachine {
  const Machine* machine = nullptr;  // of an inventory that outlives this
  std::vector<Concern> concerns;
  Severity worst() const noexcept;  // info where there is none
};
// "ready", "with warnings", "blocked".
std::string_view verdict_word(Severity worst) noexcept;

// `flyt assess`.
struct Assessment {
  std::string endpoint;
  std::vector<AssessedMachine> all;  // no templates
  std::size_t count(Severity worst) const noexcept;
  std::vector<Concern> concerns() const;
};

// What is known of a plan's machines: after apply, verify or status.
struct Report {
  const Plan* plan = nullptr;
  std::string file;  // of the plan, for commands to type; empty: only the journal has it
  std::vector<MachineOutcome> outcomes;
  bool judged = true;           // false: status, only what the journal says
  Until until = Until::landed;  // what the command asked for
  bool verified = false;        // by flyt verify itself
  ExitStatus status = ExitStatus::done;
  // Verdicts of an earlier command, told from the journal: migration id and question.
  std::set<std::pair<std::string, Question>> earlier = {};
  // Of machines that another process works on, by migration id: "pid 4711 at kvm1".
  std::map<std::string, std::string> holders = {};
  bool stopped = false;        // a stop was requested
  std::size_t views_left = 0;  // snapshots of ours on the source
  std::size_t tracked = 0;     // machines there whose changes are tracked because of us
  std::size_t shut_down = 0;   // machines that were shut down there, and have not landed
};

struct UndoReport {
  const Plan* plan = nullptr;
  std::string file;  // of the plan, or a machine's name, for commands to type
  std::vector<UndoAction> actions;
  UndoOptions options = {};
  bool done = false;  // false: only listed
  ExitStatus status = ExitStatus::done;
};

// Of a plan's ground: "allowed", "not allowed", "not verified", "not judged".
std::string_view policy_word(const Plan& plan) noexcept;

class View {
 public:
  virtual ~View() = default;
  // The only place where errors of commands are printed.
  virtual void error(std::string_view command, const Failure& failure) = 0;
  // What is so, where there is nothing to show.
  virtual void remark(std::string_view text) = 0;
  virtual void version(std::string_view version) = 0;
  virtual void drivers(std::span<const DriverEntry> all) = 0;
  virtual void site_written(const std::filesystem::path& file, std::string_view id) = 0;
  virtual void inventory(const Inventory& inventory) = 0;
  virtual void inventory_saved(const Inventory& inventory, const std::filesystem::path& file) = 0;
  virtual void check(const CheckReport& report) = 0;
  virtual void assessment(const Assessment& assessment) = 0;
  // A table for spreadsheets, as it is.
  virtual void csv(std::string_view lines) = 0;
  virtual void explanation(std::string_view code, std::string_view text) = 0;
  virtual void plan_written(const Plan& plan, const std::filesystem::path& file) = 0;
  // `text`: the document, as it stands in `file`.
  virtual void plan(const Plan& plan, const std::string& file, const std::string& text) = 0;
  virtual void report(const Report& report) = 0;
  virtual void undo(const UndoReport& report) = 0;
  // Progress of one apply or verify; must be destroyed before the next call to the view.
  virtual std::unique_ptr<ApplyStatus> progress(const Plan& plan) = 0;
  // A stop was requested. Called from another thread, also while progress() is alive.
  virtual void stopping() = 0;
  // The command has ended, without an error: the last call.
  virtual void end(ExitStatus status) = 0;
};

}  // namespace flyt::cli
