// Carrying out a plan: steps in order, bounded in parallel, journaled, resumable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/progress.hpp"
#include "base/rate_limit.hpp"
#include "base/verdict.hpp"
#include "drivers/driver.hpp"
#include "movers/converter.hpp"
#include "movers/mover.hpp"
#include "plans/journal.hpp"
#include "plans/plan.hpp"
#include "plans/until.hpp"
#include "verifiers/verifier.hpp"

namespace flyt {

// What the executor works with. All outlive it.
struct Crew {
  Driver* source = nullptr;
  Driver* target = nullptr;
  Mover* mover = nullptr;
  Converter* converter = nullptr;
  Verifier* verifier = nullptr;
  Journal* journal = nullptr;
  std::filesystem::path state;
  std::shared_ptr<RateLimit> source_rate = {}, target_rate = {};
  std::function<std::string()> now;  // RFC 3339 UTC
};

struct ApplyOptions {
  unsigned machines_at_once = 2, disks_at_once = 4;
  Until until = Until::landed;
  // How often the room on a source's storage is looked at while a view of a machine that runs is
  // read.
  std::chrono::milliseconds room_interval{60000};
  bool distrust_tracking = false;  // CopyRequest::distrust; what tracking left out is told
  // Test door: called before and after each journal write; may _exit.
  std::function<void(std::string_view where)> at_step = {};
};

enum class MachineState : std::uint8_t {
  waiting,
  running,
  copied,
  landed,
  failed,
  stopped,
  drifted
};
std::string_view to_string(MachineState state) noexcept;

struct MachineOutcome {
  std::string migration_id, name;
  MachineState state = MachineState::waiting;
  std::vector<Verdict> verdicts;
  std::optional<Error> error;
  std::string target_id;  // Machine::id on the target
  bool starts = true;     // PlannedMachine::starts(): else nobody asks whether it lives
  // What was copied and converted, a line each, for people: "disk 0: 38 MiB copied, root 5f3a..."
  std::vector<std::string> record;
};

// How the world hears of it. Thread-safe implementations in cli/views.
class ApplyStatus {
 public:
  virtual ~ApplyStatus() = default;
  virtual void machine(const PlannedMachine&, MachineState, std::string_view /*step or why*/) {}
  // The sink for one step of one machine; owned by the status, alive until it is destroyed.
  virtual ProgressSink& step(const PlannedMachine& machine, std::string_view step) = 0;
};

// Runs or continues `plan`. Ground that the policy forbids now: nothing is begun, and each machine
// has the verdict. One failed machine does not stop others. The outcome of every machine,
// in plan order; an Error only when nothing could be begun (journal, lease of all machines).
Result<std::vector<MachineOutcome>> apply(const Plan& plan, const Site& site, const Crew& crew,
                                          const ApplyOptions& options, ApplyStatus& status,
                                          const Call& call);

// What the journal says of each machine of the plan; asks no endpoint.
Result<std::vector<MachineOutcome>> recorded(const Plan& plan, Journal& journal);

// Judges boot and ground again; bytes as journaled, with its time.
Result<std::vector<MachineOutcome>> verify(const Plan& plan, const Site& site, const Crew& crew,
                                           ApplyStatus& status, const Call& call);

struct UndoOptions {
  bool target = false;   // destroy what this migration made
  bool started = false;  // also a machine that has been started on the target
};
struct UndoAction {
  // untrack: change tracking of the source that flyt switched on; start: the source, again.
  enum class Kind : std::uint8_t { drop_view, untrack, destroy, start };
  std::string machine, what;  // "drop view flyt-1 of web01", "destroy web01 on kvm"
  std::string refused;        // why it will not be done; empty: it will
  Kind kind = Kind::drop_view;
};
Result<std::vector<UndoAction>> undo_actions(const Plan& plan, const Crew& crew,
                                             const UndoOptions& options, const Call& call);
// One machine that fails does not keep the others from being undone; the first error is told.
Status undo(const Plan& plan, const Crew& crew, const UndoOptions& options, const Call& call);

}  // namespace flyt
